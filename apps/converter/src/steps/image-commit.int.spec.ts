import { once } from 'node:events';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { VmRecord } from '@ledgerlift/contracts';
import { attemptOf, converted, type TemporaryFolder, temporaryFolder } from '@ledgerlift/testing';
import { readConverterSettings } from '../config.js';
import { NothingToCommit, OverlayLost } from '../errors.js';
import { startChild } from '../spec/child.js';
import { claimed, placeDisks, qemuIo, vmOf } from '../spec/vm.js';
import { imageCommit } from './image-commit.js';

const MiB = 2 ** 20;
let folder: TemporaryFolder;
let record: VmRecord;
const settings = readConverterSettings();
const at = (name: string): string => join(folder.path, name);
const overlays = (): string[] => claimed(record, 'ImageConversion', 'overlay').map(at);
const marker = (): string => at(claimed(record, 'ImageCommit', 'commit-marker')[0] ?? 'none');
const commit = async (attempt = 1) => {
  const one = attemptOf(record, { step: 'ImageCommit', attempt, results: [converted] });
  return { attempt: one, result: await imageCommit(settings)(one) };
};

/** Overlays as a conversion leaves them: half of each disk rewritten, a part of it zeroed. */
function convert(): void {
  for (const [index, disk] of record.disks.entries()) {
    const path = overlays()[index] ?? '';
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', at(disk.name), '-F', disk.format, path]);
    qemuIo(path, 'qcow2', `write -P ${0xa0 + index} 1M 1M`);
    qemuIo(path, 'qcow2', 'write -z 2M 1M');
  }
}

/** The disks as they must be after the commit. */
function expectConverted(): void {
  for (const [index, disk] of record.disks.entries()) {
    const read = (pattern: number, from: number, length: number): void =>
      qemuIo(at(disk.name), disk.format, `read -P ${pattern} ${from} ${length}`);
    read(0x10 + index, 0, MiB);
    read(0xa0 + index, MiB, MiB);
    read(0, 2 * MiB, MiB);
    read(0x10 + index, 3 * MiB, MiB);
  }
}

async function prepare(format: 'raw' | 'qcow2'): Promise<void> {
  record = vmOf({ root: folder.path, format });
  await placeDisks(record);
  convert();
}

beforeEach(() => {
  folder = temporaryFolder('commit');
});
afterEach(async () => {
  await folder[Symbol.asyncDispose]();
});

describe.each(['raw', 'qcow2'] as const)('committing to %s disks', (format) => {
  beforeEach(() => prepare(format));

  if (format === 'qcow2')
    it('does not write to a disk that was swapped for one that refers to a host file', async () => {
      const host = at('of-the-host');
      writeFileSync(host, Buffer.alloc(4 * MiB, 7));
      const swapped = at(record.disks[1]?.name ?? '');
      execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', host, '-F', 'raw', swapped]);
      await expect(commit()).rejects.toMatchObject({ code: 'LL-DSK-040' });
      expect(readFileSync(host).every((byte) => byte === 7)).toBe(true);
      expect(existsSync(marker())).toBe(false);
    });

  it('writes every overlay into its disk, then the marker, then removes them', async () => {
    const { attempt, result } = await commit();
    expectConverted();
    expect(result).toEqual({ step: 'ImageCommit', disks: record.disks.map(({ name }) => name) });
    expect(existsSync(marker())).toBe(true);
    expect(overlays().some((path) => existsSync(path))).toBe(false);
    expect(attempt.releases.map(({ resource, how }) => [resource.kind, how])).toEqual([
      ['overlay', 'removed'],
      ['overlay', 'removed'],
      ['writer-record', 'removed'],
    ]);
  });

  it('has the same result wherever kill -9 hits it', async () => {
    let survived = false;
    for (let move = 0; !survived; move += 1) {
      const child = startChild(new URL('../spec/commit-child.ts', import.meta.url), [
        folder.path,
        format,
        String(move),
      ]);
      const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
      survived = code === 0;
      if (!survived) expect({ move, signal }).toEqual({ move, signal: 'SIGKILL' });
      const before = {
        marked: existsSync(marker()),
        overlays: overlays().filter((path) => existsSync(path)).length,
      };
      // No overlay is removed before the marker exists.
      if (!before.marked) expect({ move, ...before }).toEqual({ move, marked: false, overlays: 2 });
      await commit(2);
      expectConverted();
      expect(overlays().some((path) => existsSync(path))).toBe(false);
      // Two commits and flushes, the mark, two removals.
      expect(move).toBeLessThanOrEqual(7);
      if (survived) expect(move).toBe(7);
      for (const disk of record.disks) rmSync(at(disk.name));
      rmSync(marker());
      await placeDisks(record);
      convert();
    }
  });

  it('fails if an overlay is missing without proof of its commit', async () => {
    rmSync(overlays()[1] ?? '');
    await expect(commit()).rejects.toThrow(OverlayLost);
    expect(existsSync(overlays()[0] ?? '')).toBe(true);
    qemuIo(at(record.disks[0]?.name ?? ''), format, `read -P 0x10 0 ${4 * MiB}`);
  });
});

it('is refused without a conversion in the log', async () => {
  await prepare('qcow2');
  await expect(imageCommit(settings)(attemptOf(record, { step: 'ImageCommit' }))).rejects.toThrow(
    NothingToCommit,
  );
});

it('does not touch disks that another process writes', async () => {
  await prepare('qcow2');
  const socket = at('nbd.sock');
  const { spawn } = await import('node:child_process');
  const nbd = spawn('qemu-nbd', ['-t', '-k', socket, '-f', 'qcow2', at(record.disks[0]?.name ?? '')]);
  try {
    while (!existsSync(socket)) await new Promise((resolve) => setTimeout(resolve, 20));
    await expect(commit()).rejects.toMatchObject({ code: 'LL-CONV-004', failure: 'needs-operator' });
  } finally {
    nbd.kill();
    await once(nbd, 'exit');
  }
});
