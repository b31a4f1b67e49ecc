import { readFileSync } from 'node:fs';
import { inboxOf, UserPublicKey } from '@ledgerlift/contracts';
import type { NatsConnection } from '@nats-io/nats-core';
import { connect, credsAuthenticator } from '@nats-io/transport-node';
import { BadCredentials } from './errors.js';
import { type Logger, withoutUrlPassword } from './logger.js';

export interface NatsOptions {
  readonly url: string;
  /** Path of a .creds file. */
  readonly creds?: string | undefined;
  /** Prefix of the subjects of replies; by default the credential's own, else NATS's. */
  readonly inbox?: string | undefined;
  /** Name shown in NATS's monitoring. */
  readonly name: string;
  readonly logger: Logger;
}

const STILL_WAITING = 10_000;

/**
 * Connects to NATS, waiting for as long as it is down, and reconnects forever.
 * @throws BadCredentials
 */
export async function connectNats({ url, creds, inbox, name, logger }: NatsOptions): Promise<NatsConnection> {
  const server = withoutUrlPassword(url);
  const credential = creds === undefined ? undefined : credentialIn(creds);
  const inboxPrefix = inbox ?? (credential && inboxOfCreds(credential()));
  logger.info({ server }, 'connecting to NATS');
  const waiting = setInterval(
    () => logger.warn({ server }, 'NATS does not answer; still trying'),
    STILL_WAITING,
  );
  try {
    const nc = await connect({
      servers: url.split(',').map((one) => one.trim()),
      name,
      waitOnFirstConnect: true,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 500,
      // Do not give up on bad credentials: they may be fixed while we run.
      ignoreAuthErrorAbort: true,
      // Notices a silent peer within half a minute, which is the duration of a lease.
      pingInterval: 10_000,
      maxPingOut: 2,
      // A stack trace for each request would cost a busy planner a tenth of its time.
      noAsyncTraces: true,
      ...(inboxPrefix === undefined ? {} : { inboxPrefix }),
      // Read again for each connection, because an expiring credential is replaced in place.
      ...(credential === undefined ? {} : { authenticator: credsAuthenticator(credential) }),
    });
    logger.info({ server: nc.getServer(), version: nc.info?.version }, 'connected to NATS');
    void logStatus(nc, logger);
    return nc;
  } finally {
    clearInterval(waiting);
  }
}

/**
 * @returns a function that reads the file again, and returns its last content if the file is gone
 * @throws BadCredentials if the file cannot be read now
 */
function credentialIn(path: string): () => Uint8Array {
  let last: Uint8Array;
  try {
    last = readFileSync(path);
  } catch (error) {
    throw new BadCredentials(path, error);
  }
  return () => {
    try {
      last = readFileSync(path);
    } catch {
      // The file may be being replaced. If the old credential is invalid, NATS will say so.
    }
    return last;
  };
}

/**
 * The inbox of a user that may use only one, named by its public key, so that no other user can read its replies.
 * @returns undefined if the file has no user JWT: NATS will report the problem
 */
function inboxOfCreds(creds: Uint8Array): string | undefined {
  const claims = /^[\w-]+\.([\w-]+)\.[\w-]+\s*$/m.exec(Buffer.from(creds).toString())?.[1];
  try {
    const { sub } = JSON.parse(Buffer.from(claims ?? '', 'base64url').toString()) as {
      readonly sub?: unknown;
    };
    const user = UserPublicKey.safeParse(sub);
    return user.success ? inboxOf(user.data) : undefined;
  } catch {
    return undefined;
  }
}

async function logStatus(nc: NatsConnection, logger: Logger): Promise<void> {
  for await (const status of nc.status()) {
    if (status.type === 'disconnect') logger.warn('lost the connection to NATS; reconnecting');
    else if (status.type === 'reconnect') logger.info('connected to NATS again');
    else if (status.type === 'error') logger.warn({ reason: status.error.message }, 'NATS reports an error');
  }
}
