import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, describe, expect, it } from '@jest/globals';
import {
  freePort,
  natsBinary,
  OwnedProcess,
  temporaryFolder,
  typescriptArguments,
  until,
  wantedNatsVersion,
} from '@ledgerlift/testing';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, credsAuthenticator } from '@nats-io/transport-node';
import { parseAllDocuments } from 'yaml';

const folder = temporaryFolder('nats-keys');
afterAll(() => folder.remove());

async function natsKeys(...options: readonly string[]) {
  const child = spawn(
    process.execPath,
    [...typescriptArguments, join(import.meta.dirname, '../main.ts'), 'nats-keys', ...options],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const [printed, errors, [status]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  return { printed, errors, status: status as number | null };
}

interface Secret {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly stringData: Readonly<Record<string, string>>;
}

describe('ledgerlift nats-keys', () => {
  it('writes a Secret each for the server, the services and the planner, without the offline seeds', async () => {
    const out = folder.file('keys');
    const { printed, status } = await natsKeys('--out', out, '--namespace', 'lift');
    expect(status).toBe(0);
    const read = (name: string): Promise<string> => readFile(join(out, name), 'utf8');
    const manifest = await read('secrets.yaml');
    const secrets = parseAllDocuments(manifest).map((document) => document.toJS() as Secret);
    expect(secrets.map(({ metadata, stringData }) => [metadata, stringData])).toEqual([
      [
        { name: 'ledgerlift-nats-resolver', namespace: 'lift' },
        { 'resolver.conf': await read('resolver.conf') },
      ],
      [
        { name: 'ledgerlift-nats-services', namespace: 'lift' },
        { 'services.creds': await read('services.creds') },
      ],
      [
        { name: 'ledgerlift-nats-signing', namespace: 'lift' },
        { 'signing.seed': await read('signing.seed'), account: (await read('account')).trim() },
      ],
    ]);
    for (const [seed, prefix] of [
      ['operator', 'SO'],
      ['system', 'SA'],
      ['account', 'SA'],
      ['signing', 'SA'],
    ]) {
      const content = (await read(`${seed}.seed`)).trim();
      expect(content).toMatch(new RegExp(`^${prefix}[A-Z2-7]{56}$`));
      expect(printed).not.toContain(content);
      if (seed !== 'signing') expect(manifest).not.toContain(content);
    }
  });

  it('writes files that only their owner can read', async () => {
    const out = folder.file('private');
    await natsKeys('--out', out);
    expect((await stat(out)).mode & 0o777).toBe(0o700);
    for (const name of await readdir(out)) expect((await stat(join(out, name))).mode & 0o777).toBe(0o600);
  });

  it('omits the namespace by default, and uses the given prefix', async () => {
    const out = folder.file('plain');
    await natsKeys('--out', out, '--prefix', 'bus');
    const [first] = parseAllDocuments(await readFile(join(out, 'secrets.yaml'), 'utf8'));
    expect((first?.toJS() as Secret).metadata).toEqual({ name: 'bus-resolver' });
  });

  it('never overwrites keys', async () => {
    const out = folder.file('kept');
    await mkdir(out);
    await writeFile(join(out, 'operator.seed'), 'precious');
    const { errors, status } = await natsKeys('--out', out);
    expect(status).toBe(1);
    expect(errors).toMatch(/^LL-CLI-010 \(--out\) .*kept is not empty: it has operator\.seed/);
    expect(await readdir(out)).toEqual(['operator.seed']);
    expect(await readFile(join(out, 'operator.seed'), 'utf8')).toBe('precious');
  });

  it.each([
    ['--namespace', 'Lift'],
    ['--prefix', 'a_b'],
  ])('refuses %s %s, and writes nothing', async (option, value) => {
    const out = folder.file(`refused${option}`);
    const { errors, status } = await natsKeys('--out', out, option, value);
    expect(status).toBe(1);
    expect(errors).toContain(`LL-CLI-005 (${option}) ${option} '${value}'`);
    await expect(readdir(out)).rejects.toThrow(/ENOENT/);
  });
});

describe("the Helm chart's nats-server with these keys", () => {
  it('starts, answers its probes, admits only the services, and gives them JetStream', async () => {
    const out = folder.file('server');
    await natsKeys('--out', out);
    const chart = join(import.meta.dirname, '../../../../deploy/helm/ledgerlift/files/nats.conf');
    await copyFile(chart, join(out, 'nats.conf'));
    const [port, monitor] = [await freePort(), await freePort()];
    // Options override the file, which has a pod's ports.
    const here = ['-a', '127.0.0.1', '-p', `${port}`, '-m', `${monitor}`, '-sd', folder.file('jetstream')];
    const server = await OwnedProcess.start({
      name: 'nats-server',
      command: natsBinary(wantedNatsVersion()),
      args: ['--config', join(out, 'nats.conf'), ...here],
    });
    try {
      await server.waitForLine(/Server is ready/);
      for (const path of ['/healthz', '/healthz?js-enabled-only=true', '/healthz?js-server-only=true'])
        await until(path, async () => (await fetch(`http://127.0.0.1:${monitor}${path}`)).ok);
      const servers = `nats://127.0.0.1:${port}`;
      await expect(connect({ servers, reconnect: false })).rejects.toThrow(/authorization/i);
      const creds = await readFile(join(out, 'services.creds'));
      const nc = await connect({ servers, reconnect: false, authenticator: credsAuthenticator(creds) });
      const manager = await jetstreamManager(nc);
      const stream = await manager.streams.add({ name: 'KEPT', subjects: ['kept.>'] });
      expect(stream.config.storage).toBe('file');
      await nc.close();
    } finally {
      await server.stop();
    }
  });
});
