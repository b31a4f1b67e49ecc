import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { GiB, Told, at, entry, limits } from '../spec/schedule-specification.js';

describe('the schedule', () => {
  it('admits as many VMs as the plan allows, in order of arrival', () => {
    const told = new Told().wait(...[0, 1, 2].map((vm) => entry(vm, { maxConcurrent: 2 })));
    expect(told.admit()).toEqual(['p1/0', 'p1/1']);
    expect(told.reason(2)).toBe('a free slot: 2 VMs run, the limit of the plan');
    expect(told.end(0).admit()).toEqual(['p1/2']);
  });

  it.each([
    ['the installation', { vms: 1 }, {}],
    ['the source', { vmsPerProvider: 1 }, {}],
    ['the host esx1', { vmsPerHost: 1 }, { host: 'esx1' }],
    ['the target', { vmsPerTarget: 1 }, {}],
  ])('holds the limit of %s', (whose, limit, change) => {
    const told = new Told(limits(limit)).wait(entry(0, change), entry(1, change));
    expect(told.admit()).toEqual(['p1/0']);
    expect(told.reason(1)).toBe(`a free slot: 1 VMs run, the limit of ${whose}`);
  });

  it('lets others pass a VM whose host is full', () => {
    const told = new Told(limits({ vmsPerHost: 1 }));
    told.wait(entry(0, { host: 'a' }), entry(1, { host: 'a' }), entry(2, { host: 'b' }));
    expect(told.admit()).toEqual(['p1/0', 'p1/2']);
  });

  it('admits cutovers first, then VMs that have begun, then by priority', () => {
    const told = new Told(limits({ vms: 1 })).wait(
      entry(0),
      entry(1, { priority: 90 }),
      entry(2, { purpose: 'precopy' }),
      entry(3, { purpose: 'cutover', priority: 1 }),
      entry(4, { purpose: 'go-on' }),
    );
    const order = [0, 1, 2, 3, 4].map(() => {
      const [first = ''] = told.admit();
      told.end(Number(first.split('/')[1]));
      return first;
    });
    expect(order).toEqual(['p1/3', 'p1/4', 'p1/2', 'p1/1', 'p1/0']);
  });

  it('divides slots between plans of the same priority', () => {
    const told = new Told(limits({ vms: 4 }));
    told.wait(...[0, 1, 2, 3].map((vm) => entry(vm)));
    told.wait(...[0, 1, 2, 3].map((vm) => entry(vm, { planId: 'p2', migrationId: 'p2' })));
    expect([...told.admit()].sort()).toEqual(['p1/0', 'p1/1', 'p2/0', 'p2/1']);
  });

  it('keeps to the budgets, and says what is lacking', () => {
    const demand = { cpus: 2, memoryBytes: 3 * GiB, storageBytes: 0 };
    const told = new Told(limits({ memoryBytes: 4 * GiB })).wait(entry(0, { demand }), entry(1, { demand }));
    expect(told.admit()).toEqual(['p1/0']);
    expect(told.reason(1)).toBe('memory: 3 GiB of 4 GiB are in use, and the VM needs 3 GiB');
  });

  it('lets a VM that is larger than the whole budget run alone', () => {
    const huge = entry(0, { demand: { cpus: 64, memoryBytes: 0, storageBytes: 0 } });
    const told = new Told(limits({ cpus: 8 })).wait(huge, entry(1));
    expect(told.admit()).toEqual(['p1/0']);
    expect(told.end(0).admit()).toEqual(['p1/1']);
  });

  it('does not let small VMs starve a large one', () => {
    const told = new Told(limits({ cpus: 4 }));
    for (let vm = 1; vm <= 4; vm += 1) told.wait(entry(vm));
    told.admit();
    told.wait(entry(0, { demand: { cpus: 4, memoryBytes: 0, storageBytes: 0 } }));
    let rounds = 0;
    for (let vm = 5; told.schedule.running.get('p1/0') === undefined && rounds < 100; vm += 1, rounds += 1) {
      told.wait(entry(vm));
      const [oldest] = [...told.schedule.running.values()];
      if (oldest !== undefined) told.end(oldest.vm);
      told.admit();
    }
    expect(rounds).toBeLessThan(20);
  });

  it('waits for the maintenance window, but never with a cutover', () => {
    const windows = [{ days: ['monday' as const], from: '22:00', to: '04:00', timeZone: 'UTC' }];
    const told = new Told().wait(entry(0, { windows }), entry(1, { windows, purpose: 'cutover' }));
    expect(told.admit()).toEqual(['p1/1']);
    expect(told.reason(0)).toBe('the maintenance window that opens at 2026-11-23T22:00:00.000Z');
    expect(told.schedule.nextWakeAt(at)).toEqual(new Date('2026-11-23T22:00:00Z'));
    expect(told.admit(new Date('2026-11-23T22:00:00Z'))).toEqual(['p1/0']);
    expect(told.schedule.nextWakeAt(at)).toBeUndefined();
  });

  it('applies new limits at once, and ignores unchanged ones', () => {
    const told = new Told(limits({ vms: 1 })).wait(entry(0), entry(1));
    told.admit();
    expect(told.schedule.setLimits(limits({ vms: 1 }))).toEqual([]);
    expect(told.does(told.schedule.setLimits(limits({ vms: 2 }))).admit()).toEqual(['p1/1']);
  });

  it('enqueues once, and again for another purpose', () => {
    const { schedule } = new Told().wait(entry(0));
    expect(schedule.enqueue(entry(0))).toEqual([]);
    expect(schedule.enqueue(entry(0, { purpose: 'cutover' }))).toHaveLength(1);
    expect(schedule.release('p1', 9)).toEqual([]);
  });

  it('checks lanes rather than every VM: ten thousand VMs cost some tens of thousands of checks', () => {
    const told = new Told(limits({ vms: 20 }));
    told.wait(...Array.from({ length: 10_000 }, (_, vm) => entry(vm, { host: `esx${vm % 10}` })));
    expect(told.schedule.waitingCount).toBe(10_000);
    let admitted = 0;
    for (let got = told.admit(); got.length > 0; got = told.admit()) {
      admitted += got.length;
      for (const key of got) told.end(Number(key.split('/')[1]));
    }
    expect(admitted).toBe(10_000);
  });
});

describe('in every history', () => {
  const step = fc.oneof(
    fc.record({
      kind: fc.constant('wait' as const),
      plan: fc.constantFrom('p1', 'p2'),
      host: fc.constantFrom('a', 'b'),
      cpus: fc.integer({ min: 1, max: 6 }),
      priority: fc.constantFrom(10, 50),
      purpose: fc.constantFrom('begin' as const, 'precopy' as const, 'cutover' as const),
    }),
    fc.record({ kind: fc.constant('end' as const), which: fc.nat() }),
  );
  const of = limits({ vms: 5, vmsPerHost: 3, cpus: 8 });

  it('no limit is exceeded, and every VM that is not admitted has a reason', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const told = new Told(of);
        steps.forEach((each, vm) => {
          if (each.kind === 'wait') {
            const { plan, host, cpus, priority, purpose } = each;
            const demand = { cpus, memoryBytes: 0, storageBytes: 0 };
            const more = {
              planId: plan,
              migrationId: plan,
              host,
              priority,
              purpose,
              demand,
              maxConcurrent: 4,
            };
            told.wait(entry(vm, more));
          } else {
            const running = [...told.schedule.running.values()];
            const ended = running[each.which % Math.max(1, running.length)];
            if (ended !== undefined) told.end(ended.vm, ended.migrationId);
          }
          told.admit();
          const running = [...told.schedule.running.values()];
          expect(running.length).toBeLessThanOrEqual(5);
          const cpus = running.reduce((sum, { demand }) => sum + demand.cpus, 0);
          expect(cpus).toBeLessThanOrEqual(8);
          for (const host of ['a', 'b']) {
            expect(running.filter((one) => one.host === host).length).toBeLessThanOrEqual(3);
          }
          // Everybody who could run does.
          expect(told.schedule.admit(at)).toEqual([]);
        });
        // Places are given back one after another: all come to run at last.
        for (let rounds = 0; rounds < 200 && told.schedule.waitingCount > 0; rounds += 1) {
          const [first] = [...told.schedule.running.values()];
          if (first !== undefined) told.end(first.vm, first.migrationId);
          told.admit();
        }
        expect(told.schedule.waitingCount).toBe(0);
      }),
      { numRuns: 200 },
    );
  });
});
