import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { OwnedProcess, typescriptArguments } from '../../processes/index.js';
import { temporaryFolder } from '../../temporary-folder.js';
import { until } from '../../until.js';
import { KubernetesAdmin } from '../admin.js';
import { clusterKeys } from '../control-plane.js';
import { kubernetesInstallation } from '../installed.js';
import { cgroupHierarchies, NodeMachine } from './machine.js';
import { KubernetesNode } from './node.js';
import { run } from './run.js';

interface Held {
  readonly folder: string;
  readonly device?: string;
  readonly bridge: string;
  readonly cgroup: string;
}

/** What the kernel still holds of a node. */
async function heldOf({ folder, device, bridge, cgroup }: Held): Promise<readonly string[]> {
  const groups = (await cgroupHierarchies()).map((hierarchy) => join(hierarchy, cgroup));
  const loops = await run('losetup', '--list', '--noheadings', '--output', 'NAME,BACK-FILE');
  return [
    ...(existsSync(folder) ? ['folder'] : []),
    ...(device !== undefined && loops.includes(folder) ? ['loop device'] : []),
    ...(existsSync(`/sys/class/net/${bridge}`) ? ['bridge'] : []),
    ...(groups.some((group) => existsSync(group)) ? ['control group'] : []),
  ];
}

/** Of every process: whether its command line names the folder. */
async function processesIn(folder: string): Promise<readonly string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''));
  return (await Promise.all(lines)).filter((line) => line.includes(folder));
}

describe('what a node takes of the machine', () => {
  it('is removed by the next start when the process that started it was killed', async () => {
    const file = join(import.meta.dirname, 'abandoned.fixture.ts');
    await using other = await OwnedProcess.start({
      name: 'process with a node',
      command: process.execPath,
      args: [...typescriptArguments, file],
    });
    const held = JSON.parse(await other.waitForLine(/^\{"folder"/)) as Held;
    expect(await heldOf(held)).toEqual(['folder', 'loop device', 'bridge', 'control group']);
    await other.kill();
    // That the kernel ends what the process started: nobody else does.
    await until('the end of the node', async () => (await processesIn(held.folder)).length === 0);
    expect(await heldOf(held)).toEqual(['folder', 'loop device', 'bridge', 'control group']);

    await using folder = temporaryFolder('machine');
    const machine = await NodeMachine.take(folder.path);
    const own = { folder: folder.path, bridge: machine.bridge, cgroup: machine.cgroup };
    expect(await heldOf(own)).toEqual(['folder', 'bridge', 'control group']);
    await machine.release();
    expect(await heldOf(own)).toEqual(['folder']);
    // Only now: the new one may have been given the name of the old.
    expect(await heldOf(held)).toEqual([]);
  });

  it('is left alone by the start of another node while its process lives', async () => {
    await using folder = temporaryFolder('machine');
    await using other = temporaryFolder('machine');
    const [first, second] = await Promise.all([NodeMachine.take(folder.path), NodeMachine.take(other.path)]);
    const held = { folder: folder.path, bridge: first.bridge, cgroup: first.cgroup };
    expect(await heldOf(held)).toEqual(['folder', 'bridge', 'control group']);
    expect(second.subnet).not.toBe(first.subnet);
    await first.release();
    await second.release();
  });

  it('is given back by a start that fails', async () => {
    await using folder = temporaryFolder('failing-node');
    const keys = await clusterKeys(folder);
    const admin = await KubernetesAdmin.of(keys.url, keys.authority, keys.admin);
    const installation = { ...kubernetesInstallation(), program: () => '/bin/false' };
    const before = await machineState();
    await expect(KubernetesNode.start(installation, admin, keys, folder.path)).rejects.toThrow();
    expect(await processesIn(folder.path)).toEqual([]);
    expect(await machineState()).toEqual(before);
  });
});

/** Bridges and control groups of nodes. */
async function machineState(): Promise<readonly string[]> {
  const folders = ['/sys/class/net', ...(await cgroupHierarchies())];
  const names = await Promise.all(folders.map((folder) => readdir(folder)));
  return names.flat().filter((name) => /^(ledgerlift-)?ll-/.test(name));
}
