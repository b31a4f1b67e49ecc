import { readFileSync } from 'node:fs';
import { inboxOf, UserPublicKey } from '@ledgerlift/contracts';
import type { NatsConnection } from '@nats-io/nats-core';
import { connect, credsAuthenticator } from '@nats-io/transport-node';
import { BadCredentials } from './errors.js';
import type { Logger } from './logger.js';
import { withoutUrlPassword } from './secrets.js';

export interface NatsOptions {
  readonly url: string;
  /** Path of a .creds file. */
  readonly creds?: string | undefined;
  /** Prefix of the subjects on which answers come; unless given, the credential's own, else NATS's. */
  readonly inbox?: string | undefined;
  /** Seen in NATS's monitoring. */
  readonly name: string;
  readonly logger: Logger;
}

const STILL_WAITING = 10_000;

/**
 * Connects to NATS, waiting for as long as it is not there, and connects again for ever when it goes.
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
      // Credentials may be made right while we run: that is no reason to give up.
      ignoreAuthErrorAbort: true,
      // A peer that went without a word is noticed within half a minute, which is a lease's time.
      pingInterval: 10_000,
      maxPingOut: 2,
      // A stack trace made in advance for each request costs a busy planner a tenth of its time.
      noAsyncTraces: true,
      ...(inboxPrefix === undefined ? {} : { inboxPrefix }),
      // Read anew at each connection: a credential that ends is replaced in its place.
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
 * @returns reads the file anew at each call; where it is gone by then, what it was counts on
 * @throws BadCredentials where it cannot be read now
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
      // Being replaced, perhaps. What NATS thinks of the old one, it will say.
    }
    return last;
  };
}

/**
 * A user whose permissions name one inbox has it by its public key, so that no other can read its answers.
 * @returns undefined where the file holds no user JWT: NATS will say what is wrong with it
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
    if (status.type === 'disconnect') logger.warn('the connection to NATS is lost; connecting again');
    else if (status.type === 'reconnect') logger.info('connected to NATS again');
    else if (status.type === 'error') logger.warn({ reason: status.error.message }, 'NATS reports an error');
  }
}
