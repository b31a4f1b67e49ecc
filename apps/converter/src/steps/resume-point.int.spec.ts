import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { VmRecord } from '@ledgerlift/contracts';
import { attemptOf, converted, type TemporaryFolder, temporaryFolder } from '@ledgerlift/testing';
import { OverlayLost } from '../errors.js';
import { stubSettings } from '../spec/stub.js';
import { claimed, claimsFor, placeDisks, qemuIo, vmOf } from '../spec/vm.js';
import { cleanup } from './cleanup.js';
import { imageCommit } from './image-commit.js';
import { imageConversion } from './conversions.js';

let folder: TemporaryFolder;
let record: VmRecord;
const at = (name: string): string => join(folder.path, name);
const disk = (index: number): string => at(record.disks[index]?.name ?? '');
const overlays = (): string[] => claimed(record, 'ImageConversion', 'overlay').map(at);
const marker = (): string => at(claimed(record, 'ImageCommit', 'commit-marker')[0] ?? 'none');
const settings = () => stubSettings(folder.path);

const convert = (attempt: number) =>
  imageConversion(settings())(attemptOf(record, { step: 'ImageConversion', attempt }));
/** @param conversions how many are complete in the log */
const commit = (attempt: number, conversions: number) =>
  imageCommit(settings())(
    attemptOf(record, { step: 'ImageCommit', attempt, results: [converted], conversions }),
  );

/** The decider removes old files before a round writes the disks again. */
const clear = () =>
  cleanup(settings())(
    attemptOf(record, {
      step: 'Cleanup',
      release: [...claimsFor(record).ImageConversion, ...claimsFor(record).ImageCommit].filter(
        ({ kind }) => kind !== 'log',
      ),
    }),
  );

/** The source ran, and its content was copied again over the converted data. */
function copyAgain(): void {
  for (const index of [0, 1]) qemuIo(disk(index), 'qcow2', `write -P ${0x50 + index} 0 4M`);
}

function expectConvertedAgain(): void {
  for (const index of [0, 1]) {
    qemuIo(disk(index), 'qcow2', `read -P ${0x50 + index} 0 1M`);
    qemuIo(disk(index), 'qcow2', 'read -P 0xcc 1M 1M');
    qemuIo(disk(index), 'qcow2', `read -P ${0x50 + index} 2M 2M`);
  }
}

beforeEach(async () => {
  folder = temporaryFolder('resume-point');
  record = vmOf({ root: folder.path });
  await placeDisks(record);
});
afterEach(async () => {
  await folder[Symbol.asyncDispose]();
});

describe('a VM whose source ran again', () => {
  it('after the commit is converted and committed from the start', async () => {
    await convert(1);
    await commit(1, 1);
    await clear();
    expect(existsSync(marker())).toBe(false);
    copyAgain();
    await convert(2);
    await commit(2, 2);
    expectConvertedAgain();
  });

  it('before the commit is converted from the start, without an overlay of the earlier content', async () => {
    await convert(1);
    qemuIo(overlays()[0] ?? '', 'qcow2', 'write -P 0xee 2M 1M');
    await clear();
    expect(overlays().some((path) => existsSync(path))).toBe(false);
    copyAgain();
    await convert(2);
    await commit(1, 2);
    expectConvertedAgain();
  });

  it('is committed again despite a stale marker', async () => {
    await convert(1);
    await commit(1, 1);
    const stale = readFileSync(marker());
    copyAgain();
    await convert(2);
    expect(existsSync(marker())).toBe(false);
    writeFileSync(marker(), stale);
    await commit(2, 2);
    expectConvertedAgain();
    // The marker of this conversion counts, so a commit can be repeated.
    await commit(3, 2);
    expectConvertedAgain();
  });

  it.each(['{}', '{"conversion":1}', 'torn'])(
    'does not count as converted with the marker %s',
    async (content) => {
      writeFileSync(marker(), content);
      await expect(commit(1, 2)).rejects.toThrow(OverlayLost);
    },
  );
});
