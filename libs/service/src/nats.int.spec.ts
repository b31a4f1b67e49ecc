import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { readFile, writeFile } from 'node:fs/promises';
import {
  type NatsServer,
  type TemporaryFolder,
  startNats,
  temporaryFolder,
  until,
} from '@ledgerlift/testing';
import { createUser, encodeUser, fmtCreds } from '@nats-io/jwt';
import type { Msg, NatsConnection } from '@nats-io/nats-core';
import { pino } from 'pino';
import { type NatsOptions, connectNats } from './nats.js';

const logger = pino({ level: 'silent' });

let nats: NatsServer;
let folder: TemporaryFolder;
let nc: NatsConnection | undefined;
beforeEach(async () => {
  nats = await startNats({ operator: true });
  folder = temporaryFolder('creds');
});
afterEach(async () => {
  await nc?.close();
  await nats.stop();
  await folder.remove();
});

/** A credential whose user may hear nothing but its own inbox. */
async function credential(inbox: (publicKey: string) => string): Promise<Uint8Array> {
  const { account = '', signingSeedFile = '' } = nats.operator ?? {};
  const user = createUser();
  const sub = { allow: [`${inbox(user.getPublicKey())}.>`] };
  const signer = (await readFile(signingSeedFile, 'utf8')).trim();
  const jwt = await encodeUser('spec', user, account, { sub, pub: { allow: ['>'] } }, { signer });
  return fmtCreds(jwt, user);
}

async function answers(options: Partial<NatsOptions>): Promise<unknown> {
  const services = await connectNats({
    url: nats.url,
    creds: nats.operator?.servicesCreds,
    name: 'all',
    logger,
  });
  services.subscribe('asked', { callback: (_error, message) => void message.respond('yes') });
  await services.flush();
  nc = await connectNats({ url: nats.url, name: 'spec', logger, ...options });
  try {
    return (await nc.request('asked', '', { timeout: 5000 })).string();
  } finally {
    await services.close();
  }
}

describe('a connection with a credential', () => {
  it('has its answers come to where only that user may listen', async () => {
    const creds = folder.file('own.creds');
    await writeFile(creds, await credential((key) => `_INBOX.${key}`));
    expect(await answers({ creds })).toBe('yes');
  });

  it('has its answers come to the prefix that is set', async () => {
    const creds = folder.file('set.creds');
    await writeFile(creds, await credential(() => 'answers.mine'));
    expect(await answers({ creds, inbox: 'answers.mine' })).toBe('yes');
  });

  it('reads the file again when it connects again', async () => {
    const creds = folder.file('renewed.creds');
    await writeFile(creds, await credential(() => 'first'));
    nc = await connectNats({ url: nats.url, creds, inbox: 'second', name: 'spec', logger });
    await writeFile(creds, await credential(() => 'second'));
    await nats.restart();
    const heard: string[] = [];
    await until('heard with the new credential', async () => {
      const note = (error: Error | null, message: Msg): void => {
        if (error === null) heard.push(message.string());
      };
      nc?.subscribe('second.a', { callback: note });
      nc?.publish('second.a', 'now');
      await nc?.flush().catch(() => undefined);
      return heard.includes('now');
    });
  });
});
