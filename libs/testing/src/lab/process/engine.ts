import { spawn } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { LabVmRecord } from '../wire.js';
import { type VmPaths, names } from './paths.js';
import { Qmp } from './qmp.js';
import { guestArguments } from './qemu-guest.js';

/** The child that holds a VM's disks. */
export interface Engine {
  readonly qmp: Qmp;
  readonly nbdSocket: string;
  /** Resolves when it has ended, however that came. */
  readonly ended: Promise<void>;
  /** Ends it in order: all is flushed, and the bitmaps are kept in the images. */
  stop(): Promise<void>;
}

const STOP_MS = 10_000;

/**
 * Starts the child and opens the disks, each behind a writable export.
 *
 * @throws QmpFailed when an image cannot be opened or the child ends
 */
export async function startEngine(record: LabVmRecord, paths: VmPaths): Promise<Engine> {
  await rm(paths.nbdSocket, { force: true });
  const [program, ...args] =
    record.engine === 'qemu'
      ? [
          'qemu-system-x86_64',
          ...guestArguments(record, paths),
          '-chardev',
          'stdio,id=m',
          '-mon',
          'chardev=m,mode=control',
          '-pidfile',
          paths.pidFile,
        ]
      : [
          'qemu-storage-daemon',
          '--chardev',
          'stdio,id=m',
          '--monitor',
          'chardev=m',
          '--pidfile',
          paths.pidFile,
        ];
  // TERM and not KILL when the lab dies: then the child closes its images in order, as a disk array would that
  // loses its host. `kill -9` of the whole group is the crash that loses what was in memory.
  const child = spawn('setpriv', ['--pdeathsig', 'TERM', '--', String(program), ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const qmp = new Qmp(child.stdout, child.stdin);
  const ended = new Promise<void>((resolve) => {
    child.once('error', () => resolve());
    child.once('exit', () => resolve());
  });
  void ended.then(() => qmp.fail('the daemon has ended'));
  const stop = async (): Promise<void> => {
    await qmp.execute('quit').catch(() => undefined);
    const late = new AbortController();
    const timer = delay(STOP_MS, 'late', { signal: late.signal }).catch(() => 'late');
    if ((await Promise.race([ended, timer])) === 'late') child.kill('SIGKILL');
    late.abort();
    await ended;
  };
  try {
    await qmp.begin();
    await openDisks(qmp, record, paths);
  } catch (error) {
    await stop();
    throw error;
  }
  return { qmp, nbdSocket: paths.nbdSocket, ended, stop };
}

async function openDisks(qmp: Qmp, record: LabVmRecord, paths: VmPaths): Promise<void> {
  const address = { type: 'unix', data: { path: paths.nbdSocket } };
  await Promise.all([
    qmp.execute('nbd-server-start', { addr: address }),
    ...record.disks.map(async (_disk, index) => {
      await qmp.execute('blockdev-add', {
        driver: 'qcow2',
        'node-name': names.disk(index),
        discard: 'unmap',
        file: { driver: 'file', filename: paths.disk(index) },
      });
      // From the start on, for what is attached later would write below the copy-before-write filters.
      if (record.engine === 'qemu') await attach(qmp, index);
      else await exportNode(qmp, names.disk(index), names.writer(index), 'writable');
    }),
  ]);
}

const attach = (qmp: Qmp, index: number): Promise<unknown> =>
  qmp.execute('device_add', {
    driver: 'scsi-hd',
    bus: 'scsi0.0',
    drive: names.disk(index),
    'scsi-id': index,
  });

/** Offers a node over NBD under the export's own name. */
export async function exportNode(
  qmp: Qmp,
  node: string,
  name: string,
  access: 'writable' | 'read-only',
  bitmaps: readonly string[] = [],
): Promise<void> {
  await qmp.execute('block-export-add', {
    type: 'nbd',
    id: name,
    'node-name': node,
    name,
    writable: access === 'writable',
    bitmaps,
  });
}

/** Takes an export away, whoever reads it. */
export async function endExport(qmp: Qmp, name: string): Promise<void> {
  await qmp.until(
    'block-export-del',
    { id: name, mode: 'hard' },
    ({ event, data }) => event === 'BLOCK_EXPORT_DELETED' && data['id'] === name,
  );
}

/** Waits until a child that an earlier lab left behind is gone; it closes its images meanwhile. */
export async function awaitOrphan(paths: VmPaths): Promise<void> {
  const pid = Number(await readFile(paths.pidFile, 'utf8').catch(() => ''));
  if (!Number.isInteger(pid) || pid <= 0) return;
  const deadline = Date.now() + STOP_MS;
  while (await isOurs(pid, paths)) {
    if (Date.now() > deadline) process.kill(pid, 'SIGKILL');
    await delay(10);
  }
  await rm(paths.pidFile, { force: true });
}

async function isOurs(pid: number, paths: VmPaths): Promise<boolean> {
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return command.includes(paths.pidFile);
}
