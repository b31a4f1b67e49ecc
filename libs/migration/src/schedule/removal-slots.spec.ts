import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Told, limits } from '../spec/schedule-specification.js';

const told = (most = 4) => new Told(limits({ snapshotRemovalsPerStorage: most }));

describe('removal slots', () => {
  it('are given for at most as many disks of a datastore as may be consolidated at once', () => {
    const four = told().wantsSlot(0, { A: 3 }).wantsSlot(1, { A: 1, B: 1 }).wantsSlot(2, { A: 2 });
    expect(four.admit()).toEqual(['p1/0', 'p1/1']);
    expect(four.slotReason(2)).toBe('a slot to remove a snapshot: 4 disks of A are being consolidated');
    expect(four.endSlot(1).admit()).toEqual([]);
    expect(four.endSlot(0).admit()).toEqual(['p1/2']);
    expect(four.slotReason(2)).toBeUndefined();
  });

  it('allow four disks by default', () => {
    const usual = new Told(limits());
    for (let vm = 0; vm < 6; vm += 1) usual.wantsSlot(vm, { A: 1 });
    expect(usual.admit()).toHaveLength(4);
  });

  it('go to a VM with more disks than that if nothing else is consolidated there', () => {
    const large = told().wantsSlot(0, { A: 1 });
    large.admit();
    large.wantsSlot(1, { A: 9, B: 9 }).wantsSlot(2, { B: 1 });
    // Nothing is taken of B before the one who came first.
    expect(large.admit()).toEqual([]);
    expect(large.slotReason(1)).toBe('a slot to remove a snapshot: 1 disk of A is being consolidated');
    expect(large.slotReason(2)).toBe('a slot to remove a snapshot');
    expect(large.endSlot(0).admit()).toEqual(['p1/1']);
  });

  it('go first to a VM whose source is off meanwhile', () => {
    const cutover = told(1).wantsSlot(0, { A: 1 });
    cutover.admit();
    cutover.wantsSlot(1, { A: 1 }).wantsSlot(2, { A: 1 }, true);
    expect(cutover.endSlot(0).admit()).toEqual(['p1/2']);
  });

  it('let others pass if both fit', () => {
    const both = told().wantsSlot(0, { A: 3 });
    both.admit();
    both.wantsSlot(1, { A: 2, B: 2 }).wantsSlot(2, { B: 3 }).wantsSlot(3, { B: 1 }).wantsSlot(4, { C: 1 });
    expect(both.admit()).toEqual(['p1/3', 'p1/4']);
  });

  it('name the storage for which a VM waits', () => {
    const { schedule } = told().wantsSlot(0, { A: 3 });
    schedule.admit(new Date(0)).forEach((event) => schedule.apply(event));
    const wish = { migrationId: 'p1', vm: 1, provider: 'vc', urgent: false };
    const named = { ...wish, storages: { A: 3 }, storageNames: { A: 'san' } };
    schedule.removals.enqueue(named).forEach((event) => schedule.apply(event));
    expect(schedule.reasonForRemoval('p1', 1)).toMatch(/: 3 disks of san are being consolidated$/);
  });

  it('are requested once, and again once it is urgent', () => {
    const { schedule } = told().wantsSlot(0, { A: 1 });
    const wish = { migrationId: 'p1', vm: 0, provider: 'vc', storages: { A: 1 }, urgent: false };
    expect(schedule.removals.enqueue(wish)).toEqual([]);
    expect(schedule.removals.enqueue({ ...wish, urgent: true })).toHaveLength(1);
  });

  it('are released once', () => {
    const once = told().wantsSlot(0, { A: 1 });
    once.admit();
    expect(once.schedule.removals.release('p1', 0)).toHaveLength(1);
    expect(once.endSlot(0).schedule.removals.release('p1', 0)).toEqual([]);
    expect(once.schedule.removals.stateOf('p1', 0)).toBeUndefined();
  });

  it('follow a new limit at once', () => {
    const set = told(1).wantsSlot(0, { A: 1 }).wantsSlot(1, { A: 1 });
    set.admit();
    set.does(set.schedule.setLimits(limits({ snapshotRemovalsPerStorage: 2 })));
    expect(set.admit()).toEqual(['p1/1']);
  });

  it('in every history keep to the limit, and reach every VM in order of arrival', () => {
    const step = fc.oneof(
      fc.record({
        kind: fc.constant('want' as const),
        storages: fc.dictionary(fc.constantFrom('A', 'B', 'C'), fc.integer({ min: 1, max: 6 }), {
          minKeys: 1,
        }),
        urgent: fc.boolean(),
      }),
      fc.record({ kind: fc.constant('end' as const), which: fc.nat() }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const one = told();
        const { removals } = one.schedule;
        steps.forEach((each, vm) => {
          if (each.kind === 'want') one.wantsSlot(vm, each.storages, each.urgent);
          else {
            const given = [...removals.given.values()];
            const ended = given[each.which % Math.max(1, given.length)];
            if (ended !== undefined) one.endSlot(ended.vm);
          }
          one.admit();
          for (const storage of ['A', 'B', 'C']) {
            const counts = [...removals.given.values()].flatMap(({ storages }) => storages[storage] ?? []);
            const isAlone = counts.length <= 1;
            expect(isAlone || counts.reduce((sum, count) => sum + count, 0) <= 4).toBe(true);
          }
          // With nobody in it, it is never closed.
          if (removals.given.size === 0) expect(removals.waitingCount).toBe(0);
        });
        for (let rounds = 0; rounds < 100 && removals.waitingCount > 0; rounds += 1) {
          const [first] = removals.given.values();
          if (first !== undefined) one.endSlot(first.vm);
          one.admit();
        }
        expect(removals.waitingCount).toBe(0);
      }),
      { numRuns: 300 },
    );
  });
});
