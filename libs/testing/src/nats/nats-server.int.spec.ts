import { jetstreamManager } from '@nats-io/jetstream';
import { createUser, encodeUser, fmtCreds } from '@nats-io/jwt';
import { connect, credsAuthenticator } from '@nats-io/transport-node';
import { afterEach, describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { type NatsServer, startNats } from './index.js';

let server: NatsServer | undefined;
afterEach(async () => {
  await server?.stop();
});

async function streams(url: string): Promise<readonly string[]> {
  const nc = await connect({ servers: url, reconnect: false });
  try {
    const manager = await jetstreamManager(nc);
    const found = await manager.streams.list().next();
    return found.map(({ config }) => config.name);
  } finally {
    await nc.close();
  }
}

async function addStream(url: string): Promise<void> {
  const nc = await connect({ servers: url, reconnect: false });
  const manager = await jetstreamManager(nc);
  await manager.streams.add({ name: 'KEPT', subjects: ['kept.>'] });
  await nc.close();
}

describe('a nats-server of a test', () => {
  it('keeps its streams over a kill, and loses them with its data folder', async () => {
    server = await startNats();
    await addStream(server.url);
    await server.kill();
    await server.restart();
    expect(await streams(server.url)).toEqual(['KEPT']);
    await server.wipeAndRestart();
    expect(await streams(server.url)).toEqual([]);
  });

  it('answers nothing while it is paused', async () => {
    server = await startNats();
    const nc = await connect({ servers: server.url, reconnect: false });
    await server.pause();
    const answered = await Promise.race([
      nc.flush().then(() => 'answered'),
      new Promise((resolve) => setTimeout(resolve, 300, 'silent')),
    ]);
    server.resume();
    await nc.flush();
    await nc.close();
    expect(answered).toBe('silent');
  });

  it('turns away who does not know the password', async () => {
    server = await startNats({ auth: { user: 'worker', password: 's3"cret' } });
    const servers = server.url;
    await expect(connect({ servers, reconnect: false })).rejects.toThrow(/authorization/i);
    const nc = await connect({ servers, user: 'worker', pass: 's3"cret', reconnect: false });
    await nc.close();
  });

  it('leaves nothing behind', async () => {
    server = await startNats();
    const { storeDir, process: owned } = server;
    await server.stop();
    expect(existsSync(storeDir)).toBe(false);
    expect(owned.alive).toBe(false);
  });
});

describe('a nats-server with an operator', () => {
  it('takes the services, who have JetStream, and nobody without a credential', async () => {
    server = await startNats({ operator: true });
    const servers = server.url;
    await expect(connect({ servers, reconnect: false })).rejects.toThrow(/authorization/i);
    const creds = await readFile(server.operator?.servicesCreds ?? '');
    const nc = await connect({ servers, authenticator: credsAuthenticator(creds), reconnect: false });
    const manager = await jetstreamManager(nc);
    await manager.streams.add({ name: 'KEPT', subjects: ['kept.>'] });
    await nc.close();
  });

  it('takes who has a credential that the signing key has signed', async () => {
    server = await startNats({ operator: true });
    const { account = '', signingSeedFile = '' } = server.operator ?? {};
    const user = createUser();
    const seed = (await readFile(signingSeedFile, 'utf8')).trim();
    const jwt = await encodeUser('spec', user, account, {}, { signer: seed });
    const authenticator = credsAuthenticator(fmtCreds(jwt, user));
    const nc = await connect({ servers: server.url, authenticator, reconnect: false });
    await nc.close();
  });
});
