import { execFile } from 'node:child_process';
import { copyFile, rm } from 'node:fs/promises';
import { promisify } from 'node:util';
import { makeSmallDisk } from '../../disks/index.js';
import type { LabVmSpec } from '../wire.js';
import type { VmPaths } from './paths.js';

const run = promisify(execFile);

type Disk = LabVmSpec['disks'][number];

/** Makes a VM's disks, and beside each an empty image of its size: a copy of it is the layer of a snapshot. */
export async function makeImages(disks: readonly Disk[], paths: VmPaths): Promise<void> {
  await Promise.all(disks.map((disk, index) => makeImage(disk, paths.disk(index), paths.empty(index))));
}

async function makeImage(disk: Disk, path: string, empty: string): Promise<void> {
  const create = run('qemu-img', ['create', '-q', '-f', 'qcow2', empty, String(disk.capacityBytes)]);
  if (disk.from === undefined && disk.filled === 0) {
    await create;
    await copyFile(empty, path);
    return;
  }
  await Promise.all([
    create,
    disk.from === undefined ? madeUp(disk, path) : converted(disk, disk.from, path),
  ]);
}

async function madeUp(disk: Disk, path: string): Promise<void> {
  const raw = `${path}.raw`;
  await makeSmallDisk(raw, { size: disk.capacityBytes, seed: disk.seed, filled: disk.filled });
  await run('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', raw, path]);
  await rm(raw);
}

async function converted(disk: Disk, from: NonNullable<Disk['from']>, path: string): Promise<void> {
  await run('qemu-img', ['convert', '-f', from.format, '-O', 'qcow2', from.path, path]);
  await run('qemu-img', ['resize', '-q', '-f', 'qcow2', path, String(disk.capacityBytes)]);
}
