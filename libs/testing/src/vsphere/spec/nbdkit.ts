import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { temporaryFolder } from '../../temporary-folder.js';
import { vddkPlugin } from '../installed.js';
import type { Vsphere } from '../vsphere.js';

export interface Reading {
  /** Managed object id; without it the VM's own disk is read. */
  readonly snapshot?: string;
  readonly disk?: number;
  readonly user?: string;
  readonly password?: string;
  /** Of a session; then the password does not matter. */
  readonly cookie?: string;
  readonly thumbprint?: string;
  /** By default what the disk is called in the snapshot or the VM. */
  readonly file?: string;
}

/** Reads a whole disk through nbdkit's real vddk plugin. @throws Error with what it says */
export async function readDisk(vsphere: Vsphere, vm: string, reading: Reading = {}): Promise<Buffer> {
  await using folder = temporaryFolder('nbdkit');
  const { moref } = await vsphere.vm(vm);
  const { plugin, libdir } = vddkPlugin();
  await writeFile(folder.file('password'), reading.password ?? vsphere.admin.password, { mode: 0o600 });
  const args = [
    ...['--foreground', '--unix', '-', '--readonly', plugin, `libdir=${libdir}`],
    ...['server=127.0.0.1', `port=${vsphere.port}`, `user=${reading.user ?? vsphere.admin.user}`],
    `thumbprint=${reading.thumbprint ?? vsphere.thumbprint}`,
    `password=+${folder.file('password')}`,
    ...(reading.cookie === undefined ? [] : [`cookie=${reading.cookie}`]),
    ...[`vm=moref=${moref}`, `file=${reading.file ?? (await fileOf(vsphere, vm, reading))}`],
    ...(reading.snapshot === undefined ? [] : [`snapshot=${reading.snapshot}`]),
    ...['transports=nbdssl:nbd', '--run', 'nbdcopy "$uri" -'],
  ];
  const { stdout } = await promisify(execFile)('nbdkit', args, {
    encoding: 'buffer',
    maxBuffer: Infinity,
  });
  return stdout;
}

async function fileOf(vsphere: Vsphere, vm: string, { snapshot, disk = 0 }: Reading): Promise<string> {
  const { disks, snapshots } = await vsphere.vm(vm);
  const found = snapshots.find(({ moref }) => moref === snapshot)?.disks ?? disks;
  return found[disk]?.file ?? '';
}
