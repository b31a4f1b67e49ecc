import { expect, it } from '@jest/globals';
import type { Job, StepResult } from '@ledgerlift/contracts';
import { guardOf, targetOf } from '@ledgerlift/targets';
import { jobOf as aJob, sourceDisk, sourceVm, temporaryFolder } from '@ledgerlift/testing';
import { recordOf } from '../spec/run.js';
import { assertRoomBeforePowerOff, roomBeforePowerOff } from './disk-allocation.js';

const MiB = 2 ** 20;
const GiB = 2 ** 30;

const vm = sourceVm({
  disks: [8, 4].map((size, index) => sourceDisk(index, { id: `d${index}`, capacityBytes: size * GiB })),
});

function jobOf(settings: Parameters<typeof recordOf>[0]['settings'], results: StepResult[] = []): Job {
  const record = recordOf({ url: 'http://lab', vm, root: '/out', settings: settings ?? {} });
  return aJob('SourcePowerOff', { record, results });
}

const pass = (kind: 'full' | 'delta', bytesWritten: number): StepResult => ({
  step: 'DiskTransfer',
  pass: { kind, round: 1 },
  disks: [
    {
      diskId: 'd0',
      name: 'disk 0',
      size: 8 * GiB,
      digest: '',
      bytesRead: 0,
      bytesWritten,
      bytesZeroed: 0,
      resumed: '',
      verified: 'none',
    },
  ],
});
const OVERLAYS = 1040 * MiB;

it('for a cold VM covers the rest of the copy, and the overlays', () => {
  expect(roomBeforePowerOff(jobOf({}), [])).toBe(12 * GiB + OVERLAYS);
  expect(roomBeforePowerOff(jobOf({}), [8 * GiB, GiB])).toBe(3 * GiB + OVERLAYS);
});

it('for a warm VM covers as much as the last round wrote, and the overlays', () => {
  expect(roomBeforePowerOff(jobOf({ type: 'warm' }, [pass('delta', 5 * MiB)]), [])).toBe(5 * MiB + OVERLAYS);
  expect(roomBeforePowerOff(jobOf({ type: 'warm' }, [pass('full', GiB)]), [])).toBe(OVERLAYS);
});

it('covers no overlays without a conversion', () => {
  expect(roomBeforePowerOff(jobOf({ skipGuestConversion: true }), [8 * GiB, 4 * GiB])).toBe(0);
});

it('for adopted disks covers only the overlays', () => {
  expect(roomBeforePowerOff(jobOf({ type: 'conversion' }), [])).toBe(OVERLAYS);
});

it('is missing if it is reserved for other VMs whose sources are off', async () => {
  await using folder = temporaryFolder('room');
  const small = { ...vm, disks: [] };
  const record = recordOf({ url: 'http://lab', vm: small, root: folder.path, settings: {} });
  const job = { ...jobOf({}), record };
  const ref = { stream: 'vm-m1-0', step: 'SourcePowerOff', attempt: 1, worker: 'w' } as const;
  const guard = guardOf({ ref, signal: new AbortController().signal });
  await using place = await targetOf('directory').workplace(record, guard);
  await assertRoomBeforePowerOff(job, place);
  await assertRoomBeforePowerOff({ ...job, roomTaken: 1 }, place);
  await expect(assertRoomBeforePowerOff({ ...job, roomTaken: 2 ** 60 }, place)).rejects.toMatchObject({
    code: 'LL-TRF-004',
    message: expect.stringContaining(`plus ${2 ** 60} that other VMs will still write`),
  });
});
