import { existsSync } from 'node:fs';
import { link, mkdir, readdir, readFile, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { PeerFailed } from '../../errors.js';
import { HANGS_MS } from '../../until.js';
import { run } from './run.js';

const CGROUPS = '/sys/fs/cgroup';
/** A note for each node that holds something of this machine, so that the next start finds what a killed one left. */
const NOTES = join(tmpdir(), 'ledgerlift-nodes');

interface Note {
  readonly owner: string;
  /** Of the whole cluster, with the files behind loop devices. */
  readonly folder: string;
  readonly bridge: string;
  readonly cgroup: string;
}

/**
 * What the kernel holds for one node, and does not drop with the node's processes: control groups, a bridge and loop
 * devices. Mounts and network namespaces are the node's own and end with it.
 */
export class NodeMachine {
  private constructor(
    private readonly note: Note,
    /** The bridge's, of this machine. */
    readonly address: string,
    /** Of the pods. */
    readonly subnet: string,
  ) {}

  get cgroup(): string {
    return this.note.cgroup;
  }

  get bridge(): string {
    return this.note.bridge;
  }

  /**
   * Takes them, after it has removed what nodes of killed processes left.
   *
   * @param folder of the whole cluster; should this process be killed, the next start removes it
   */
  static async take(folder: string): Promise<NodeMachine> {
    await removeLeftOvers();
    const { note, net } = await claimNetwork(folder);
    const { bridge, cgroup } = note;
    try {
      for (const hierarchy of await cgroupHierarchies()) await makeCgroup(join(hierarchy, cgroup));
      await run('ip', 'link', 'add', bridge, 'type', 'bridge');
      await run('ip', 'address', 'add', `${net}.1/24`, 'dev', bridge);
      await run('ip', 'link', 'set', bridge, 'up');
      return new NodeMachine(note, `${net}.1`, `${net}.0/24`);
    } catch (error) {
      await release(note);
      throw error;
    }
  }

  /** Gives all of it back, loop devices included. The node's processes were killed before; this waits until they are gone. */
  async release(): Promise<void> {
    await release(this.note);
  }
}

/** @returns the path of a new loop device over a file, which `NodeMachine.release` detaches */
export function loopDevice(file: string): Promise<string> {
  return run('losetup', '--find', '--show', file);
}

/** Detaches a loop device before its node is stopped. */
export async function detachLoop(device: string): Promise<void> {
  await detach(await loopDevices(), [device]);
}

/**
 * Processes of the pods on a node, by the pod's uid, as the kernel has them: without those that only hold a pod together (`pause`).
 * Pods without any are left out.
 */
export async function processesOfPods(cgroup: string): Promise<ReadonlyMap<string, readonly number[]>> {
  const hierarchies = await cgroupHierarchies();
  const hierarchy = hierarchies.find((each) => basename(each) === 'memory') ?? hierarchies[0] ?? CGROUPS;
  const found = new Map<string, number[]>();
  for (const file of await filesNamed(join(hierarchy, cgroup), 'cgroup.procs')) {
    const [, uid] = /\/pod([0-9a-f-]{36})\//.exec(file) ?? [];
    if (uid === undefined) continue;
    for (const pid of (await readFile(file, 'utf8').catch(() => ''))
      .split('\n')
      .filter((line) => line !== '')) {
      const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      // Empty: it has ended.
      if (command !== '' && command.split('\0')[0] !== '/pause')
        found.set(uid, [...(found.get(uid) ?? []), Number(pid)]);
    }
  }
  return found;
}

async function filesNamed(folder: string, name: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const below = entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => filesNamed(join(folder, entry.name), name));
  return [join(folder, name), ...(await Promise.all(below)).flat()];
}

async function release({ folder, bridge, cgroup }: Note): Promise<void> {
  for (const hierarchy of await cgroupHierarchies()) await removeCgroup(join(hierarchy, cgroup));
  await detachLoops(folder);
  await unless(() => !existsSync(`/sys/class/net/${bridge}`), run('ip', 'link', 'delete', bridge));
  await rm(join(NOTES, bridge), { force: true });
}

/** Of nodes whose process is gone: killed, or ended by a test runner. */
async function removeLeftOvers(): Promise<void> {
  for (const name of await readdir(NOTES).catch(() => [])) {
    const note = JSON.parse(await readFile(join(NOTES, name), 'utf8').catch(() => 'null')) as Note | null;
    if (note === null) continue;
    const owner = Number(note.owner.split(' ')[0]);
    if ((await processIdentity(owner)) === note.owner) continue;
    await release(note);
    await rm(note.folder, { recursive: true, force: true });
  }
}

/** A process id is used again: its start (proc(5), `starttime`) tells two of them apart, as the boot does over a restart. */
async function processIdentity(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8');
  return `${pid} ${stat.slice(stat.lastIndexOf(')')).split(' ')[20] ?? 'gone'} ${boot.trim()}`;
}

/** Folders in which control groups are made: version 2 has one, version 1 one for each controller. */
export async function cgroupHierarchies(): Promise<readonly string[]> {
  if (existsSync(join(CGROUPS, 'cgroup.procs'))) return [CGROUPS];
  const entries = await readdir(CGROUPS, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(CGROUPS, name));
}

async function makeCgroup(path: string): Promise<void> {
  await mkdir(path);
  // Version 1: a new group of `cpuset` has no CPU and no memory, so that nothing can run in it.
  for (const file of ['cpuset.cpus', 'cpuset.mems'].map((name) => join(path, name)))
    if (existsSync(file)) await writeFile(file, await readFile(join(path, '..', basename(file)), 'utf8'));
}

/** Deepest first. Its files cannot be removed; a group with a process that is still ending is busy for a moment. */
async function removeCgroup(path: string): Promise<void> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) if (entry.isDirectory()) await removeCgroup(join(path, entry.name));
  const end = Date.now() + HANGS_MS;
  for (;;) {
    try {
      await rmdir(path);
      return;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return;
      if (code !== 'EBUSY' || Date.now() > end) throw error;
      await delay(20);
    }
  }
}

interface Loop {
  readonly name: string;
  readonly 'back-file': string | null;
  readonly 'back-ino': number;
}

/**
 * Those over files of the folder. kubelet makes one more over each block device that a pod has; the path of that one is
 * lost with the node's mounts, and its inode is the device's.
 */
async function detachLoops(folder: string): Promise<void> {
  const loops = await loopDevices();
  const own = loops.filter((loop) => loop['back-file']?.startsWith(`${folder}/`) === true);
  await detach(
    loops,
    own.map(({ name }) => name),
  );
}

async function loopDevices(): Promise<readonly Loop[]> {
  const listed = await run('losetup', '--json', '--list', '--output', 'NAME,BACK-FILE,BACK-INO');
  return listed === '' ? [] : (JSON.parse(listed) as { loopdevices: readonly Loop[] }).loopdevices;
}

async function detach(loops: readonly Loop[], own: readonly string[]): Promise<void> {
  const devices = await Promise.all(own.map(async (name) => (await stat(name)).ino));
  const over = loops.filter((loop) => loop['back-file'] === '/' && devices.includes(loop['back-ino']));
  for (const name of [...over.map((loop) => loop.name), ...own])
    await unless(
      async () => !(await run('losetup', '--list')).includes(`${name} `),
      run('losetup', '--detach', name),
    );
}

/** What fails because it is so already, as another process removes what is left over at the same time, has not failed. */
async function unless(isSo: () => boolean | Promise<boolean>, work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!(await isSo())) throw error;
  }
}

/**
 * Writes the note of a node. Its name is that of the bridge, and says which network of 10.213.0.0/16 is taken: no two
 * processes write the same, and none is ever seen half written.
 *
 * @returns with the first three numbers of the network
 */
async function claimNetwork(folder: string): Promise<{ readonly note: Note; readonly net: string }> {
  const owner = await processIdentity(process.pid);
  const addresses = await run('ip', '-4', 'address');
  await mkdir(NOTES, { recursive: true });
  const written = join(folder, 'note.json');
  for (let third = 1; third < 255; third += 1) {
    const net = `10.213.${third}`;
    if (addresses.includes(` ${net}.`)) continue;
    const bridge = `ll-${third}`;
    const note = { owner, folder, bridge, cgroup: `ledgerlift-${bridge}` };
    await writeFile(written, JSON.stringify(note));
    try {
      await link(written, join(NOTES, bridge));
      return { note, net };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    } finally {
      await rm(written);
    }
  }
  throw new PeerFailed('node', 'every network of 10.213.0.0/16 is taken', []);
}
