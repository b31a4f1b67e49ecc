import { execFile } from 'node:child_process';
import { copyFile, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { makeSmallDisk } from '../../disks/index.js';
import type { LabVmSpec } from '../wire.js';
import type { VmPaths } from './paths.js';

const run = promisify(execFile);

type Disk = LabVmSpec['disks'][number];

/**
 * Makes the images of disks. What looks the same is made once and then copied: a campaign makes a thousand VMs of
 * the same few disks.
 */
export class Images {
  readonly #folder: string;
  readonly #made = new Map<string, Promise<string>>();

  /** @param folder where templates are kept while the process runs */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Makes a VM's disks, and beside each an empty image of its size: a copy of it is the layer of a snapshot. */
  async make(disks: readonly Disk[], paths: VmPaths): Promise<void> {
    await Promise.all(
      disks.map(async (disk, index) => {
        const { capacityBytes, seed, filled, from } = disk;
        const empty = await this.#template(`empty-${capacityBytes}`, (path) =>
          madeEmpty(capacityBytes, path),
        );
        await copyFile(empty, paths.empty(index));
        if (from !== undefined) await converted(disk, from, paths.disk(index));
        else if (filled === 0) await copyFile(empty, paths.disk(index));
        else {
          const name = `filled-${capacityBytes}-${seed}-${filled}`;
          await copyFile(await this.#template(name, (path) => madeUp(disk, path)), paths.disk(index));
        }
      }),
    );
  }

  #template(name: string, make: (path: string) => Promise<void>): Promise<string> {
    const made = this.#made.get(name) ?? this.#makeTemplate(name, make);
    this.#made.set(name, made);
    // One that failed is tried again by who asks next.
    made.catch(() => this.#made.delete(name));
    return made;
  }

  async #makeTemplate(name: string, make: (path: string) => Promise<void>): Promise<string> {
    const path = join(this.#folder, name);
    await mkdir(this.#folder, { recursive: true });
    await make(path);
    return path;
  }
}

async function madeEmpty(capacityBytes: number, path: string): Promise<void> {
  await run('qemu-img', ['create', '-q', '-f', 'qcow2', path, String(capacityBytes)]);
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
