import { readFile } from 'node:fs/promises';
import type { NatsConnection } from '@nats-io/nats-core';
import { connect, credsAuthenticator } from '@nats-io/transport-node';
import { BadCredentials } from './errors.js';
import type { Logger } from './logger.js';
import { withoutUrlPassword } from './secrets.js';

export interface NatsOptions {
  readonly url: string;
  readonly creds?: string | undefined;
  /** Seen in NATS's monitoring. */
  readonly name: string;
  readonly logger: Logger;
}

const STILL_WAITING = 10_000;

/**
 * Connects to NATS, waiting for as long as it is not there, and connects again for ever when it goes.
 * @throws BadCredentials
 */
export async function connectNats({ url, creds, name, logger }: NatsOptions): Promise<NatsConnection> {
  const server = withoutUrlPassword(url);
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
      ...(creds === undefined ? {} : { authenticator: credsAuthenticator(await readCreds(creds)) }),
    });
    logger.info({ server: nc.getServer(), version: nc.info?.version }, 'connected to NATS');
    void logStatus(nc, logger);
    return nc;
  } finally {
    clearInterval(waiting);
  }
}

async function readCreds(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new BadCredentials(path, error);
  }
}

async function logStatus(nc: NatsConnection, logger: Logger): Promise<void> {
  for await (const status of nc.status()) {
    if (status.type === 'disconnect') logger.warn('the connection to NATS is lost; connecting again');
    else if (status.type === 'reconnect') logger.info('connected to NATS again');
    else if (status.type === 'error') logger.warn({ reason: status.error.message }, 'NATS reports an error');
  }
}
