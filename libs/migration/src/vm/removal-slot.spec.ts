import { alwaysPresent } from '../presence.js';
import { describe, expect, it } from '@jest/globals';
import { WarmSettings } from '@ledgerlift/contracts';
import { connectionReset, noRoot, noon, otherHost, record, warmItinerary } from '../spec/fixtures.js';
import { diskOn } from '../spec/simulation/datacenter.js';
import { History, given } from '../spec/vm-specification.js';
import { RemovalSlots } from '../schedule/removal-slots.js';
import {
  disksByStorage,
  mayTakeRemovalSlot,
  removalChange,
  removalEntryOf,
  removalSlotOf,
  storagesOf,
} from './removal-slot.js';
import { pipelineOf } from './pipeline.js';
import { awaitedRemovalOf, openAttempt } from './state.js';
import { wakeAt } from './waits.js';

const later = (minutes: number): Date => new Date(noon.getTime() + minutes * 60_000);
const disks = [diskOn('A', 0), diskOn('A', 1), diskOn('B', 2)];
const withDisks = { ...record, source: { ...record.source, vm: { ...record.source.vm, disks } } };
const settings = {
  ...record.settings,
  type: 'warm' as const,
  warm: WarmSettings.parse({ precopyIntervalMs: 3_600_000, cutover: { by: 'command' } }),
};
const waiting = History.empty
  .after({ kind: 'plan', record: { ...withDisks, settings }, itinerary: warmItinerary })
  .admitted()
  .completes('Initialize', 'DiskAllocation', 'SnapshotCreation', 'DiskTransfer');
const takeRemovalSlot = { kind: 'take-removal-slot' } as const;
const cutoverNow = { kind: 'cutover', reason: 'now', by: 'ada', dueAt: later(60), at: later(60) } as const;
const inRound = waiting.wakes(later(60)).after({ kind: 'admit', at: later(60) });
const removing = inRound.after(takeRemovalSlot);

describe('the removal of a snapshot', () => {
  it('is not requested before the VM holds a removal slot', () => {
    given(waiting.wakes(later(60)))
      .when({ kind: 'admit', at: later(60) })
      .then('VmMigrationAdmitted', {
        type: 'RemovalSlotAwaited',
        data: { step: 'SnapshotRemoval', attempt: 1 },
      });
    expect(removalSlotOf(inRound.live)).toBe('awaited');
    expect(openAttempt(inRound.live)).toBeUndefined();
    expect(wakeAt(inRound.live, alwaysPresent)).toBeUndefined();
  });

  it('is requested once, when it does', () => {
    given(inRound)
      .when(takeRemovalSlot)
      .then({ type: 'StepRequested', data: { step: 'SnapshotRemoval', attempt: 1 } });
    given(removing).when(takeRemovalSlot).then();
    expect(removalSlotOf(removing.live)).toBe('taken');
    expect(removalSlotOf(removing.completes('SnapshotRemoval').live)).toBeUndefined();
  });

  it('says why it waits', () => {
    const line = pipelineOf(inRound.live).find(({ step }) => step === 'SnapshotRemoval');
    expect(line).toMatchObject({ status: 'Waiting', waitingFor: 'a slot to remove a snapshot' });
  });

  it('wants a slot for all disks of the VM, each on its storage', () => {
    expect(removalEntryOf(inRound.live)).toMatchObject({ storages: { A: 2, B: 1 }, urgent: false });
  });

  it('counts disks by the id of their storage, because names may repeat', () => {
    const twins = ['ds-1', 'ds-2', 'ds-2'].map((storageId) => ({ storage: 'san', storageId }));
    expect(disksByStorage([...twins, { storage: 'ova' }])).toEqual({ 'ds-1': 1, 'ds-2': 2, ova: 1 });
  });

  it('gives the name of each storage that has one beside its id', () => {
    const on = ['ds-1', 'ds-2'].map((storageId) => ({ storage: 'san', storageId }));
    expect(storagesOf([...on, { storage: 'ova' }]).storageNames).toEqual({ 'ds-1': 'san', 'ds-2': 'san' });
    expect(storagesOf([{ storage: 'ova' }])).toEqual({ storages: { ova: 1 } });
  });

  it('is urgent if the source is off meanwhile', () => {
    const off = waiting
      .after(cutoverNow)
      .wakes(later(60))
      .after({ kind: 'admit', at: later(60) })
      .completes('SourcePowerOff');
    expect(removalSlotOf(off.live)).toBe('awaited');
    expect(removalEntryOf(off.live).urgent).toBe(true);
  });

  it('keeps its slot until it is done, whichever worker does it, because the source continues a merge that began', () => {
    const lost = removing.claimed().after({ kind: 'lose', step: 'SnapshotRemoval', attempt: 1, at: noon });
    for (const left of [lost, removing.fails('SnapshotRemoval', connectionReset)]) {
      expect(removalSlotOf(left.live)).toBe('taken');
      expect(removalSlotOf(left.retryDue().live)).toBe('awaited');
      given(left.retryDue())
        .when(takeRemovalSlot)
        .then({ type: 'StepRequested', data: { attempt: 2 } });
      const done = left.retryDue().after(takeRemovalSlot).completes('SnapshotRemoval');
      expect(removalSlotOf(done.live)).toBeUndefined();
    }
  });

  it('keeps its slot over a cancel, until the clean-up has removed the rest', () => {
    const canceled = removing
      .claimed()
      .after({ kind: 'cancel', reason: 'no' })
      .after({ kind: 'lose', step: 'SnapshotRemoval', attempt: 1, at: noon });
    expect(canceled.live).toMatchObject({ phase: 'cleaning', pending: { request: { step: 'Cleanup' } } });
    const lost = canceled
      .after(takeRemovalSlot)
      .claimed()
      .after({ kind: 'lose', step: 'Cleanup', attempt: 1, at: noon });
    expect(removalSlotOf(lost.live)).toBe('taken');
    expect(removalSlotOf(lost.retryDue().after(takeRemovalSlot).completes('Cleanup').live)).toBeUndefined();
  });

  it('gives up its slot if an operator must decide how to continue, and if it had not begun', () => {
    const held = removing.fails('SnapshotRemoval', otherHost);
    expect(held.live.phase).toBe('held');
    expect(removalSlotOf(held.live)).toBeUndefined();
    const paused = removing.after({ kind: 'pause', reason: 'look' });
    expect(paused.live.phase).toBe('paused');
    expect(removalSlotOf(paused.live)).toBeUndefined();
  });

  it('includes the first snapshot where change tracking begins, because another replaces it', () => {
    const tracking = { ...settings, warm: { ...settings.warm, enableChangeTracking: true } };
    const creating = History.empty
      .after({ kind: 'plan', record: { ...withDisks, settings: tracking }, itinerary: warmItinerary })
      .admitted()
      .completes('Initialize', 'DiskAllocation');
    expect(awaitedRemovalOf(creating.live)).toMatchObject({ step: 'SnapshotCreation' });
    const created = creating.after(takeRemovalSlot).completes('SnapshotCreation');
    expect(removalSlotOf(created.live)).toBeUndefined();
    const next = created
      .completes('DiskTransfer')
      .wakes(later(60))
      .after({ kind: 'admit', at: later(60) });
    const again = next.after(takeRemovalSlot).completes('SnapshotRemoval');
    expect(openAttempt(again.live)?.step).toBe('SnapshotCreation');
    expect(removalSlotOf(again.live)).toBeUndefined();
  });

  it('gives up its slot for a pause, and waits for another after it', () => {
    const paused = inRound.after({ kind: 'pause', reason: 'look' });
    expect(paused.live.phase).toBe('paused');
    expect(removalSlotOf(paused.live)).toBeUndefined();
    given(paused).when(takeRemovalSlot).then();
    const resumed = paused.after({ kind: 'resume', reason: 'go on' }).admitted();
    expect(removalSlotOf(resumed.live)).toBe('awaited');
  });

  it('at the end of a VM also needs a slot', () => {
    const canceled = inRound.after({ kind: 'cancel', reason: 'no' });
    expect(canceled.live).toMatchObject({ phase: 'cleaning', pending: { request: { step: 'Cleanup' } } });
    expect(pipelineOf(canceled.live).at(-1)).toMatchObject({ step: 'Cleanup', status: 'Waiting' });
    const cleaned = canceled.after(takeRemovalSlot).completes('Cleanup');
    expect(cleaned.live.phase).toBe('canceled');
    expect(removalSlotOf(cleaned.live)).toBeUndefined();
  });

  it('gives way to a cutover that comes due while it waits', () => {
    const due = inRound.after(cutoverNow);
    expect(wakeAt(due.live, alwaysPresent)).toBe(later(60).getTime());
    given(due)
      .when({ kind: 'wake', at: later(60), random: 0, presence: alwaysPresent })
      .then('CutoverStarted', { type: 'StepRequested', data: { step: 'SourcePowerOff' } });
    expect(removalSlotOf(due.wakes(later(60)).live)).toBeUndefined();
  });

  it('needs no slot if nothing is merged: without disks, or if no snapshot is removed', () => {
    const without = History.warm({ warm: settings.warm })
      .admitted()
      .completes('Initialize', 'DiskAllocation', 'SnapshotCreation', 'DiskTransfer')
      .wakes(later(60))
      .after({ kind: 'admit', at: later(60) });
    expect(openAttempt(without.live)?.step).toBe('SnapshotRemoval');
    const cold = History.empty
      .after({ kind: 'plan', record: withDisks, itinerary: warmItinerary })
      .admitted()
      .completes('Initialize')
      .fails('DiskAllocation', noRoot);
    expect(removalSlotOf(cold.live)).toBeUndefined();
  });
});

describe('the schedule', () => {
  it('learns that a VM wants a slot, and that it no longer needs it', () => {
    const slots = new RemovalSlots();
    const apply = (history: History): readonly string[] => {
      const events = removalChange(slots, history.live);
      for (const event of events) slots.apply(event);
      return events.map(({ type }) => type);
    };
    expect(apply(waiting)).toEqual([]);
    expect(apply(inRound)).toEqual(['RemovalSlotEnqueued']);
    expect(apply(inRound)).toEqual([]);
    expect(mayTakeRemovalSlot(slots, inRound.live)).toBe(false);
    for (const event of slots.admit(4)) slots.apply(event);
    expect(mayTakeRemovalSlot(slots, inRound.live)).toBe(true);
    expect(mayTakeRemovalSlot(slots, removing.live)).toBe(false);
    expect(apply(removing)).toEqual([]);
    expect(apply(removing.completes('SnapshotRemoval'))).toEqual(['RemovalSlotReleased']);
  });

  it('learns of a removal that began before removal slots existed', () => {
    const slots = new RemovalSlots();
    for (const event of removalChange(slots, removing.live)) slots.apply(event);
    expect(slots.stateOf(record.migrationId, record.index)).toBe('given');
    expect(removalChange(slots, removing.live)).toEqual([]);
  });
});
