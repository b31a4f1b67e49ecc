import { execFile } from 'node:child_process';
import { mkdir, open, readFile, statfs } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { applyStubMarker } from '@ledgerlift/testing';

const run = promisify(execFile);
const PAGE = 4096;

/** A folder that can be full or read-only: a small file system in memory, where the machine lets us mount one. */
export class Storage implements AsyncDisposable {
  private constructor(
    readonly path: string,
    private readonly bytes: number | undefined,
  ) {}

  /** @param mib its size; undefined: an ordinary folder, which is never full */
  static async at(path: string, mib: number | undefined): Promise<Storage> {
    await mkdir(path, { recursive: true });
    if (mib === undefined) return new Storage(path, undefined);
    const bytes = mib * 1024 * 1024;
    await run('mount', ['-t', 'tmpfs', '-o', `size=${bytes},mode=755`, 'ledgerlift-faults', path]);
    return new Storage(path, bytes);
  }

  /** Nothing more fits, until `forMs` are over. */
  async full(forMs: number): Promise<void> {
    // What is written between the look and the change makes the size too small, and the kernel refuses it.
    for (let tries = 0; !(await this.#shrink()); tries += 1) if (tries === 20) return;
    await delay(forMs);
    await this.restore();
  }

  async #shrink(): Promise<boolean> {
    const { blocks, bfree, bsize } = await statfs(this.path);
    const used = Math.ceil(((blocks - bfree) * bsize) / PAGE) * PAGE;
    return this.#remount(`size=${Math.max(used, PAGE)}`).then(
      () => true,
      () => false,
    );
  }

  /** The kernel refuses while a file is open for writing: then it is tried again, as long as it was to last. */
  async readOnly(forMs: number): Promise<void> {
    const deadline = Date.now() + forMs;
    for (;;) {
      const done = await this.#remount('ro').then(
        () => true,
        () => false,
      );
      if (done) break;
      if (Date.now() > deadline) return;
      await delay(20);
    }
    await delay(forMs);
    await this.restore();
  }

  /** As it was at first. */
  async restore(): Promise<void> {
    if (this.bytes !== undefined) await this.#remount(`rw,size=${this.bytes}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.bytes !== undefined) await run('umount', ['--lazy', this.path]);
  }

  async #remount(options: string): Promise<void> {
    if (this.bytes !== undefined) await run('mount', ['-o', `remount,${options}`, this.path]);
  }
}

/** The byte that `journaling-virt-v2v.sh` counts up. */
const COUNTER = 1_179_648;

/** Does to a raw file what exactly one conversion does to the n-th disk of a VM. */
export async function applyConversion(raw: string, disk: number): Promise<void> {
  await applyStubMarker(raw, disk);
  const file = await open(raw, 'r+');
  try {
    const byte = Buffer.alloc(1);
    await file.read(byte, 0, 1, COUNTER);
    byte[0] = ((byte[0] ?? 0) + 1) % 256;
    await file.write(byte, 0, 1, COUNTER);
  } finally {
    await file.close();
  }
}

export interface ConversionLine {
  readonly time: string;
  readonly what: 'begun' | 'overlap';
  readonly disk: string;
}

/** The journal of the stand-in. */
export async function conversions(journal: string): Promise<readonly ConversionLine[]> {
  const text = await readFile(journal, 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [time = '', what, , disk = ''] = line.split(' ');
      return { time, what: what === 'overlap' ? 'overlap' : 'begun', disk };
    });
}
