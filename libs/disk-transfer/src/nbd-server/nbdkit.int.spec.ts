import { readFile, readdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type TemporaryFolder, temporaryFolder, until } from '@ledgerlift/testing';
import { NbdClient } from '../nbd/client.js';
import { type NbdkitPlugin, serveNbdkit, serveNbdkitTimes } from './nbdkit.js';

/** A plugin whose disk is what a script writes, and that takes whatever it is told. */
const shell = (script: string, more: Partial<NbdkitPlugin> = {}): NbdkitPlugin => ({
  plugin: 'eval',
  parameters: [
    ['config', 'exit 0'],
    ['get_size', 'echo 512'],
    ['pread', script],
  ],
  secrets: [],
  files: [],
  reads: [],
  ...more,
});
// A folder for temporary files of its own: nobody else's are in it.
let folder: TemporaryFolder;
const before = process.env['TMPDIR'];
beforeAll(() => {
  folder = temporaryFolder('nbdkit');
  process.env['TMPDIR'] = folder.path;
});
afterAll(async () => {
  if (before === undefined) delete process.env['TMPDIR'];
  else process.env['TMPDIR'] = before;
  await folder.remove();
});

const leftovers = async (): Promise<readonly string[]> =>
  (await readdir(folder.path)).filter((name) => name.startsWith('ledgerlift-given-'));
/** The first file that nbdkit was given, as it finds it itself. */
const READ = 'read -r content < "/proc/$PPID/fd/3"; printf %-512s "$content"';

async function readFrom(socket: string): Promise<string> {
  const client = await NbdClient.connect({ socket });
  const into = Buffer.alloc(512);
  try {
    await client.read(0, into);
    return into.toString().trim();
  } finally {
    client.close();
  }
}

describe('a plugin of nbdkit', () => {
  it('reads its files again and again, and they have no name', async () => {
    const plugin = shell(READ, { files: [['given', 'a certificate\n']] });
    await using server = disposable(await serveNbdkit(plugin));
    expect(await leftovers()).toEqual([]);
    expect(await readFrom(server.socket)).toBe('a certificate');
    expect(await readFrom(server.socket)).toBe('a certificate');
    expect(await readFile(`/proc/${server.pid}/limits`, 'utf8')).toMatch(/Max core file size\s+0\s+0\s/);
  });

  it('gets of our environment what it needs, and no way to a credential', async () => {
    process.env['LEDGERLIFT_NATS_URL'] = 'nats://me:hunter2@nats';
    await using server = disposable(await serveNbdkit(shell('printf %-512s "x"')));
    const environment = await readFile(`/proc/${server.pid}/environ`, 'utf8');
    delete process.env['LEDGERLIFT_NATS_URL'];
    expect(environment).toContain('PATH=');
    expect(environment).not.toContain('hunter2');
  });

  it('is quoted without its secrets', async () => {
    const plugin = shell('echo "EIO refused hunter2" >&2; exit 1', { secrets: [['password', 'hunter2']] });
    await using server = disposable(await serveNbdkit(plugin));
    await expect(readFrom(server.socket)).rejects.toMatchObject({ code: 'LL-DSK-003' });
    // The client may see the error before we see what the server wrote about it.
    await until('its output', () => server.stderr().includes('refused …'));
    expect(server.stderr()).not.toContain('hunter2');
  });

  it('that ends is seen to have ended, and how', async () => {
    const server = await serveNbdkit(shell('printf %-512s "x"'));
    expect(server.ended()).toBeUndefined();
    process.kill(server.pid, 'SIGKILL');
    await server.stop();
    expect(server.ended()).toBe('it ended with signal SIGKILL');
  });

  it('that does not start leaves nothing behind', async () => {
    const unknown = { ...shell(''), plugin: 'not-there', secrets: [['password', 'hunter2']] } as const;
    await expect(serveNbdkitTimes(unknown, 2)).rejects.toMatchObject({
      code: 'LL-DSK-020',
      message: expect.stringContaining('not-there'),
    });
    expect(await leftovers()).toEqual([]);
  });
});

const disposable = <T extends { stop(): Promise<void> }>(server: T) => ({
  ...server,
  [Symbol.asyncDispose]: () => server.stop(),
});
