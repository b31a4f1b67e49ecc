import { describe, expect, it } from '@jest/globals';
import { type AttemptState, decideVm, evolveVm, type VmFacts, type VmLive } from '@ledgerlift/migration';
import { attemptState, factsWith, resolvePlan, webVm } from '@ledgerlift/planning/spec';
import { targetOf } from '@ledgerlift/targets';
import { roomTaken } from './lease-service.js';

const MiB = 2 ** 20;
const [disk] = webVm.disks;
if (disk === undefined) throw new Error('the fixtures have changed');
const vm = { ...webVm, disks: [{ ...disk, id: 'd0', capacityBytes: 100 * MiB }] };
const resolved = resolvePlan(factsWith([vm], {}), 'lab', [])?.vms[0];
if (resolved === undefined) throw new Error('the plan cannot be resolved');

/** A cold VM that is at a step; `offAt`: when its power-off was begun. */
function vmAt(index: number, step: string, offAt?: string, change: Partial<VmFacts> = {}): VmLive {
  const record = { ...resolved, migrationId: 'm1', index } as VmLive['record'];
  const itinerary = targetOf(record.target.type).itineraryFor(record);
  const [planned] = decideVm({ kind: 'plan', record, itinerary }, undefined);
  const state = planned && evolveVm(undefined, planned);
  if (state === undefined) throw new Error('nothing was planned');
  const at = itinerary.findIndex((each) => each.step === step);
  return { ...state, at, attempts: offAt === undefined ? [] : [powerOff(offAt)], ...change };
}
const powerOff = (startedAt: string): AttemptState =>
  attemptState({ step: 'SourcePowerOff', requestedAt: startedAt, startedAt });
const [early, late] = ['2026-11-23T12:00:00.000Z', '2026-11-23T12:00:01.000Z'];
const asks = vmAt(0, 'SourcePowerOff', late);
const OVERLAY = 116 * MiB;

describe('the room that others will still take', () => {
  it('is that of VMs whose power-off came before: what they copy and convert', () => {
    const copied = {
      d0: { diskId: 'd0', momentId: 'm', bytesDone: 60 * MiB, bytesTotal: 1, manifestDigest: '' },
    };
    expect(roomTaken(asks, [asks, vmAt(1, 'DiskTransfer', early)])).toBe(100 * MiB + OVERLAY);
    expect(roomTaken(asks, [vmAt(1, 'DiskTransfer', early, { checkpoints: copied })])).toBe(
      40 * MiB + OVERLAY,
    );
    expect(roomTaken(asks, [vmAt(1, 'ImageConversion', early), vmAt(2, 'ImageConversion', early)])).toBe(
      2 * OVERLAY,
    );
  });

  it('is none of those that are committed, not off yet, or went off later', () => {
    const others = [
      vmAt(1, 'ImageCommit', early),
      vmAt(2, 'SourcePowerOff'),
      vmAt(3, 'DiskTransfer', '2026-11-23T12:00:02.000Z'),
    ];
    expect(roomTaken(asks, others)).toBe(0);
  });

  it('is counted by one of two that are powered off at the same instant', () => {
    const twin = vmAt(1, 'SourcePowerOff', late);
    expect([roomTaken(asks, [asks, twin]), roomTaken(twin, [asks, twin])]).toEqual([0, 100 * MiB + OVERLAY]);
  });

  it('is none at another target', () => {
    const other = vmAt(1, 'DiskTransfer', early);
    const record = { ...other.record, target: { ...other.record.target, providerId: 'elsewhere' } };
    expect(roomTaken(asks, [{ ...other, record }])).toBe(0);
  });
});
