import { alwaysPresent } from '../presence/presence.js';
import { describe, expect, it } from '@jest/globals';
import { WarmSettings } from '@ledgerlift/contracts';
import { connectionReset, noRoot, noon, otherHost, record, warmItinerary } from '../spec/fixtures.js';
import { diskOn } from '../spec/simulation/datacenter.js';
import { History, given } from '../spec/vm-specification.js';
import { RemovalTurns } from '../schedule/removal-turns.js';
import { mayTakeTurn, removalChange } from '../schedule/removal-change.js';
import { pipelineOf } from './pipeline.js';
import { openAttempt } from './state.js';
import { disksByStorage, removalEntryOf, storagesOf, turnOf } from './turn.js';
import { wakeAt } from './wake.js';

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
const takeTurn = { kind: 'take-turn' } as const;
const cutoverNow = { kind: 'cutover', reason: 'now', by: 'ada', dueAt: later(60), at: later(60) } as const;
const inRound = waiting.wakes(later(60)).after({ kind: 'admit', at: later(60) });
const removing = inRound.after(takeTurn);

describe('the removal of a snapshot', () => {
  it('is not asked for before the VM has its turn', () => {
    given(waiting.wakes(later(60)))
      .when({ kind: 'admit', at: later(60) })
      .then('VmMigrationAdmitted', {
        type: 'RemovalTurnAwaited',
        data: { step: 'SnapshotRemoval', attempt: 1 },
      });
    expect(turnOf(inRound.live)).toBe('awaited');
    expect(openAttempt(inRound.live)).toBeUndefined();
    expect(wakeAt(inRound.live, alwaysPresent)).toBeUndefined();
  });

  it('is asked for when it has, once', () => {
    given(inRound)
      .when(takeTurn)
      .then({ type: 'StepRequested', data: { step: 'SnapshotRemoval', attempt: 1 } });
    given(removing).when(takeTurn).then();
    expect(turnOf(removing.live)).toBe('taken');
    expect(turnOf(removing.completes('SnapshotRemoval').live)).toBeUndefined();
  });

  it('says why it waits', () => {
    const line = pipelineOf(inRound.live).find(({ step }) => step === 'SnapshotRemoval');
    expect(line).toMatchObject({ status: 'Waiting', waitingFor: 'its turn to remove a snapshot' });
  });

  it('wants a turn for all disks of the VM, where each is', () => {
    expect(removalEntryOf(inRound.live)).toMatchObject({ storages: { A: 2, B: 1 }, urgent: false });
  });

  it('counts disks by the id of their storage, for two may have one name', () => {
    const twins = ['ds-1', 'ds-2', 'ds-2'].map((storageId) => ({ storage: 'san', storageId }));
    expect(disksByStorage([...twins, { storage: 'ova' }])).toEqual({ 'ds-1': 1, 'ds-2': 2, ova: 1 });
  });

  it('says how each of those storages is called that has a name beside its id', () => {
    const on = ['ds-1', 'ds-2'].map((storageId) => ({ storage: 'san', storageId }));
    expect(storagesOf([...on, { storage: 'ova' }]).storageNames).toEqual({ 'ds-1': 'san', 'ds-2': 'san' });
    expect(storagesOf([{ storage: 'ova' }])).toEqual({ storages: { ova: 1 } });
  });

  it('is urgent when the source is off for it', () => {
    const off = waiting
      .after(cutoverNow)
      .wakes(later(60))
      .after({ kind: 'admit', at: later(60) })
      .completes('SourcePowerOff');
    expect(turnOf(off.live)).toBe('awaited');
    expect(removalEntryOf(off.live).urgent).toBe(true);
  });

  it('keeps its turn until it is done, whoever does it: the source goes on with what was begun', () => {
    const lost = removing.claimed().after({ kind: 'lose', step: 'SnapshotRemoval', attempt: 1, at: noon });
    for (const left of [lost, removing.fails('SnapshotRemoval', connectionReset)]) {
      expect(turnOf(left.live)).toBe('taken');
      expect(turnOf(left.retryDue().live)).toBe('awaited');
      given(left.retryDue())
        .when(takeTurn)
        .then({ type: 'StepRequested', data: { attempt: 2 } });
      const done = left.retryDue().after(takeTurn).completes('SnapshotRemoval');
      expect(turnOf(done.live)).toBeUndefined();
    }
  });

  it('keeps its turn over a cancel, until the end has removed the rest', () => {
    const canceled = removing
      .claimed()
      .after({ kind: 'cancel', reason: 'no' })
      .after({ kind: 'lose', step: 'SnapshotRemoval', attempt: 1, at: noon });
    expect(canceled.live).toMatchObject({ phase: 'cleaning', turn: { step: 'Cleanup' } });
    const lost = canceled
      .after(takeTurn)
      .claimed()
      .after({ kind: 'lose', step: 'Cleanup', attempt: 1, at: noon });
    expect(turnOf(lost.live)).toBe('taken');
    expect(turnOf(lost.retryDue().after(takeTurn).completes('Cleanup').live)).toBeUndefined();
  });

  it('leaves its turn where an operator must say how it goes on, and where it had not begun', () => {
    const held = removing.fails('SnapshotRemoval', otherHost);
    expect(held.live.phase).toBe('held');
    expect(turnOf(held.live)).toBeUndefined();
    const paused = removing.after({ kind: 'pause', reason: 'look' });
    expect(paused.live.phase).toBe('paused');
    expect(turnOf(paused.live)).toBeUndefined();
  });

  it('is of the first snapshot, too, where changes begin to be tracked: it is removed for another', () => {
    const tracking = { ...settings, warm: { ...settings.warm, enableChangeTracking: true } };
    const creating = History.empty
      .after({ kind: 'plan', record: { ...withDisks, settings: tracking }, itinerary: warmItinerary })
      .admitted()
      .completes('Initialize', 'DiskAllocation');
    expect(creating.live.turn).toMatchObject({ step: 'SnapshotCreation' });
    const created = creating.after(takeTurn).completes('SnapshotCreation');
    expect(turnOf(created.live)).toBeUndefined();
    const next = created
      .completes('DiskTransfer')
      .wakes(later(60))
      .after({ kind: 'admit', at: later(60) });
    const again = next.after(takeTurn).completes('SnapshotRemoval');
    expect(openAttempt(again.live)?.step).toBe('SnapshotCreation');
    expect(turnOf(again.live)).toBeUndefined();
  });

  it('is given up for a pause, and waited for anew after it', () => {
    const paused = inRound.after({ kind: 'pause', reason: 'look' });
    expect(paused.live.phase).toBe('paused');
    expect(turnOf(paused.live)).toBeUndefined();
    given(paused).when(takeTurn).then();
    const resumed = paused.after({ kind: 'resume', reason: 'go on' }).admitted();
    expect(turnOf(resumed.live)).toBe('awaited');
  });

  it('that is the end of a VM wants a turn, too', () => {
    const canceled = inRound.after({ kind: 'cancel', reason: 'no' });
    expect(canceled.live).toMatchObject({ phase: 'cleaning', turn: { step: 'Cleanup' } });
    expect(pipelineOf(canceled.live).at(-1)).toMatchObject({ step: 'Cleanup', status: 'Waiting' });
    const cleaned = canceled.after(takeTurn).completes('Cleanup');
    expect(cleaned.live.phase).toBe('canceled');
    expect(turnOf(cleaned.live)).toBeUndefined();
  });

  it('makes room for a cutover that comes due while it waits', () => {
    const due = inRound.after(cutoverNow);
    expect(wakeAt(due.live, alwaysPresent)).toBe(later(60).getTime());
    given(due)
      .when({ kind: 'wake', at: later(60), random: 0, presence: alwaysPresent })
      .then('CutoverStarted', { type: 'StepRequested', data: { step: 'SourcePowerOff' } });
    expect(turnOf(due.wakes(later(60)).live)).toBeUndefined();
  });

  it('wants no turn where nothing is merged: neither without disks, nor where no snapshot goes', () => {
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
    expect(turnOf(cold.live)).toBeUndefined();
  });
});

describe('the schedule', () => {
  it('is told what a VM wants, and what it needs no longer', () => {
    const turns = new RemovalTurns();
    const apply = (history: History): readonly string[] => {
      const events = removalChange(turns, history.live);
      for (const event of events) turns.apply(event);
      return events.map(({ type }) => type);
    };
    expect(apply(waiting)).toEqual([]);
    expect(apply(inRound)).toEqual(['RemovalTurnEnqueued']);
    expect(apply(inRound)).toEqual([]);
    expect(mayTakeTurn(turns, inRound.live)).toBe(false);
    for (const event of turns.admit(4)) turns.apply(event);
    expect(mayTakeTurn(turns, inRound.live)).toBe(true);
    expect(mayTakeTurn(turns, removing.live)).toBe(false);
    expect(apply(removing)).toEqual([]);
    expect(apply(removing.completes('SnapshotRemoval'))).toEqual(['RemovalTurnReleased']);
  });

  it('is told of a removal that was begun before there were turns', () => {
    const turns = new RemovalTurns();
    for (const event of removalChange(turns, removing.live)) turns.apply(event);
    expect(turns.stateOf(record.migrationId, record.index)).toBe('given');
    expect(removalChange(turns, removing.live)).toEqual([]);
  });
});
