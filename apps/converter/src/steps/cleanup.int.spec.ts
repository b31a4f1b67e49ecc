import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { VmRecord } from '@ledgerlift/contracts';
import { attemptOf, type TemporaryFolder, temporaryFolder } from '@ledgerlift/testing';
import { hangs, stubSettings } from '../spec/stub.js';
import { claimed, claimsFor, placeDisks, qemuIo, vmOf } from '../spec/vm.js';
import { cleanup } from './cleanup.js';
import { imageConversion } from './conversions.js';

let folder: TemporaryFolder;
let record: VmRecord;
const at = (name: string): string => join(folder.path, name);
const overlays = (): string[] => claimed(record, 'ImageConversion', 'overlay').map(at);
const settingsWith = (env: Record<string, string> = {}) => stubSettings(folder.path, env);

/** Every byte of the disks is unchanged since the transfer. */
function expectUntouched(): void {
  for (const [index, { name, format }] of record.disks.entries())
    qemuIo(at(name), format, `read -P ${0x10 + index} 0 4M`);
}

beforeEach(async () => {
  folder = temporaryFolder('clean-up');
  record = vmOf({ root: folder.path });
  await placeDisks(record);
});
afterEach(async () => {
  await folder[Symbol.asyncDispose]();
});

describe('clean-up', () => {
  it('removes exactly the released resources', async () => {
    const attempt = attemptOf(record, { step: 'ImageConversion' });
    await imageConversion(settingsWith())(attempt);
    const overlay = attempt.claimed.filter(({ kind }) => kind === 'overlay');
    const foreign = claimsFor(record).DiskAllocation.filter(({ kind }) => kind === 'disk');
    const done = attemptOf(record, { step: 'Cleanup', release: [...overlay, ...foreign] });
    await cleanup(settingsWith())(done);
    expect(done.releases.map(({ how }) => how)).toEqual(['removed', 'removed']);
    expect(overlays().some((path) => existsSync(path))).toBe(false);
    expect(existsSync(at(claimed(record, 'ImageConversion', 'log')[0] ?? 'none'))).toBe(true);
    expectUntouched();
    const again = attemptOf(record, { step: 'Cleanup', release: overlay });
    await cleanup(settingsWith())(again);
    expect(again.releases.map(({ how }) => how)).toEqual(['absent', 'absent']);
  });

  it('ends running processes before it removes anything', async () => {
    const first = attemptOf(record, { step: 'ImageConversion' });
    const failed = imageConversion(settingsWith({ V2V_STUB: 'hang' }))(first).catch(
      (error: unknown) => error,
    );
    await hangs(first);
    const done = attemptOf(record, { step: 'Cleanup', release: first.claimed });
    await cleanup(settingsWith())(done);
    expect(await failed).toMatchObject({ code: 'LL-CONV-017' });
    expect(done.releases.every(({ how }) => how === 'removed')).toBe(true);
    expectUntouched();
  });
});
