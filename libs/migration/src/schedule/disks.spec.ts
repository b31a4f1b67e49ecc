import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type ScheduleEntry, disksIn } from './lanes.js';
import { Told, at, entry, limits, withDisks } from '../spec/schedule-specification.js';

describe('a limit of disks', () => {
  it('of a host counts the disks of all VMs read through it, whatever their plan', () => {
    const told = new Told(limits({ disksPerHost: 10 })).wait(
      withDisks(0, { A: 6 }),
      withDisks(1, { B: 4 }, { planId: 'p2', migrationId: 'p2' }),
      withDisks(2, { A: 1 }),
      withDisks(3, { A: 1 }, { host: 'b' }),
    );
    expect(told.admit()).toEqual(['p1/0', 'p2/1', 'p1/3']);
    expect(told.reason(2)).toBe('disks of the host a: 10 of 10 are open, and the VM needs 1');
    expect(told.end(1, 'p2').admit()).toEqual(['p1/2']);
  });

  it('of a datastore counts the disks on that datastore', () => {
    const told = new Told(limits({ disksPerStorage: 4 })).wait(
      withDisks(0, { A: 3, B: 1 }),
      withDisks(1, { B: 4 }),
      withDisks(2, { B: 3 }),
      withDisks(3, { A: 1, C: 4 }),
    );
    expect(told.admit()).toEqual(['p1/0', 'p1/2', 'p1/3']);
    expect(told.reason(1)).toBe('disks on B: 4 of 4 are open, and the VM needs 4');
  });

  it('distinguishes hosts and datastores of different sources, even with the same name', () => {
    const told = new Told(limits({ disksPerHost: 2, disksPerStorage: 2 })).wait(
      withDisks(0, { A: 2 }),
      withDisks(1, { A: 2 }, { provider: 'other' }),
    );
    expect(told.admit()).toEqual(['p1/0', 'p1/1']);
  });

  it('distinguishes hosts of one source by their ids, and names them and its datastores', () => {
    const storageNames = { 'ds-1': 'san', 'ds-2': 'san' };
    const told = new Told(limits({ vmsPerHost: 1, disksPerStorage: 2 })).wait(
      withDisks(0, { 'ds-1': 2 }, { host: 'esx', hostId: 'host-1', storageNames }),
      withDisks(1, { 'ds-2': 1 }, { host: 'esx', hostId: 'host-2', storageNames }),
      withDisks(2, { 'ds-2': 1 }, { host: 'esx', hostId: 'host-1', storageNames }),
      withDisks(3, { 'ds-1': 1 }, { host: 'esx', hostId: 'host-3', storageNames }),
    );
    expect(told.admit()).toEqual(['p1/0', 'p1/1']);
    expect(told.reason(2)).toBe('a free slot: 1 VMs run, the limit of the host esx');
    expect(told.reason(3)).toBe('disks on san: 2 of 2 are open, and the VM needs 1');
  });

  it.each([{ disksPerHost: 4 }, { disksPerStorage: 4 }])(
    'lets a VM that is larger than the whole limit run when nothing else is in it: %p',
    (limit) => {
      const told = new Told(limits(limit)).wait(withDisks(0, { A: 1 }));
      told.admit();
      told.wait(withDisks(1, { A: 60 }), withDisks(2, { A: 1 }));
      expect(told.admit()).toEqual(['p1/2']);
      expect(told.end(0).end(2).admit()).toEqual(['p1/1']);
      expect(told.wait(withDisks(3, { A: 1 })).admit()).toEqual([]);
    },
  );

  it('does not bind if it is not set, or if the source does not name the host', () => {
    expect(new Told().wait(...[0, 1].map((vm) => withDisks(vm, { A: 60 }))).admit()).toHaveLength(2);
    const told = new Told(limits({ disksPerHost: 1 }));
    told.wait(entry(0, { storages: { A: 5 } }), entry(1, { storages: { A: 5 } }));
    expect(told.admit()).toHaveLength(2);
  });

  it('that is set later counts the running VMs, and sorts the waiting ones anew', () => {
    const told = new Told(limits({ vms: 2 })).wait(...[0, 1, 2].map((vm) => withDisks(vm, { A: 4 })));
    told.wait(withDisks(3, { B: 4 }));
    told.admit();
    told.does(told.schedule.setLimits(limits({ disksPerStorage: 8 })));
    expect(told.reason(2)).toBe('disks on A: 8 of 8 are open, and the VM needs 4');
    // It is behind another, which waits for another datastore.
    expect(told.admit()).toEqual(['p1/3']);
  });
});

describe('a VM with many disks', () => {
  /** Small ones come and go, two at a time. @returns how many came before it had its place */
  function passes(of: Told, large: number, small: (vm: number) => ScheduleEntry): number {
    let came = 0;
    for (
      let vm = 100;
      of.schedule.running.get(`p1/${large}`) === undefined && came < 200;
      vm += 1, came += 1
    ) {
      of.wait(small(vm));
      const [oldest] = of.schedule.running.values();
      if (oldest !== undefined) of.end(oldest.vm, oldest.migrationId);
      of.admit();
    }
    return came;
  }

  it('is not passed forever by small ones', () => {
    const told = new Told(limits({ disksPerHost: 4 })).wait(
      ...[1, 2, 3, 4].map((vm) => withDisks(vm, { A: 1 })),
    );
    told.admit();
    told.wait(withDisks(0, { A: 4 }));
    expect(passes(told, 0, (vm) => withDisks(vm, { A: 1 }))).toBeLessThan(20);
  });

  it('is not passed forever by the rounds of warm VMs, which are otherwise more urgent', () => {
    const told = new Told(limits({ disksPerStorage: 4 }));
    told.wait(...[1, 2, 3, 4].map((vm) => withDisks(vm, { A: 1 }, { purpose: 'precopy' })));
    told.admit();
    told.wait(withDisks(0, { A: 4 }));
    expect(passes(told, 0, (vm) => withDisks(vm, { A: 1 }, { purpose: 'precopy' }))).toBeLessThan(20);
  });

  it('does not starve because its datastores are never free at the same time', () => {
    const told = new Told(limits({ disksPerStorage: 2 }));
    told.wait(withDisks(1, { A: 1 }), withDisks(2, { B: 1 }));
    told.admit();
    told.wait(withDisks(0, { A: 2, B: 2 }));
    expect(passes(told, 0, (vm) => withDisks(vm, vm % 2 === 0 ? { A: 1 } : { B: 1 }))).toBeLessThan(30);
  });

  it('reserves nothing while its plan has no slot for it anyway', () => {
    const told = new Told(limits({ disksPerHost: 4 })).wait(
      entry(1, { planId: 'p2', migrationId: 'p2', maxConcurrent: 1 }),
    );
    told.admit();
    told.wait(withDisks(0, { A: 4 }, { planId: 'p2', migrationId: 'p2', maxConcurrent: 1 }));
    for (let vm = 10; vm < 30; vm += 1) {
      expect(told.wait(withDisks(vm, { A: 1 })).admit()).toEqual([`p1/${vm}`]);
      told.end(vm);
    }
  });

  it('holds back neither a cutover, nor a plan of higher priority, nor VMs that need none of its room', () => {
    const told = new Told(limits({ disksPerHost: 4 })).wait(withDisks(1, { A: 1 }));
    told.admit();
    told.wait(withDisks(0, { A: 4 }));
    for (let vm = 10; vm < 18; vm += 1) {
      expect(told.wait(withDisks(vm, { A: 1 })).admit()).toEqual([`p1/${vm}`]);
      told.end(vm);
    }
    told.wait(withDisks(30, { A: 1 }));
    expect(told.admit()).toEqual([]);
    expect(told.reason(30)).toBe('room that is reserved for a larger VM ahead of it');
    told.wait(withDisks(31, { A: 1 }, { host: 'b' }));
    expect(told.admit()).toEqual(['p1/31']);
    told.wait(withDisks(32, { A: 1 }, { purpose: 'cutover' }));
    expect(told.admit()).toEqual(['p1/32']);
    told.end(32).wait(withDisks(33, { A: 1 }, { priority: 90 }));
    expect(told.admit()).toEqual(['p1/33']);
  });
});

describe('in every history', () => {
  const step = fc.oneof(
    fc.record({
      kind: fc.constant('wait' as const),
      host: fc.constantFrom('a', 'b'),
      plan: fc.constantFrom('p1', 'p2'),
      storages: fc.dictionary(fc.constantFrom('A', 'B', 'C'), fc.integer({ min: 1, max: 6 })),
      purpose: fc.constantFrom('begin' as const, 'precopy' as const, 'cutover' as const),
      priority: fc.constantFrom(10, 50),
    }),
    fc.record({ kind: fc.constant('end' as const), which: fc.nat() }),
  );

  it('no host or datastore has too many open disks, except for one VM alone, and every VM gets to run', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const told = new Told(limits({ vms: 8, disksPerHost: 7, disksPerStorage: 5 }));
        steps.forEach((each, vm) => {
          if (each.kind === 'wait') {
            const { host, plan, storages, purpose, priority } = each;
            told.wait(
              withDisks(vm, storages, {
                host,
                planId: plan,
                migrationId: plan,
                purpose,
                priority,
                maxConcurrent: 6,
              }),
            );
          } else {
            const running = [...told.schedule.running.values()];
            const ended = running[each.which % Math.max(1, running.length)];
            if (ended !== undefined) told.end(ended.vm, ended.migrationId);
          }
          told.admit();
          const running = [...told.schedule.running.values()];
          for (const host of ['a', 'b'])
            expect(
              isWithin(
                running.map((one) => (one.host === host ? disksIn(one) : 0)),
                7,
              ),
            ).toBe(true);
          for (const storage of ['A', 'B', 'C'])
            expect(
              isWithin(
                running.map(({ storages }) => storages[storage] ?? 0),
                5,
              ),
            ).toBe(true);
        });
        for (let rounds = 0; rounds < 200 && told.schedule.waitingCount > 0; rounds += 1) {
          const [first] = told.schedule.running.values();
          if (first !== undefined) told.end(first.vm, first.migrationId);
          told.admit();
        }
        expect(told.schedule.waitingCount).toBe(0);
        expect(told.schedule.admit(at)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});

/** Whether the sum is within the limit, or is of one alone. */
function isWithin(amounts: readonly number[], limit: number): boolean {
  const some = amounts.filter((amount) => amount > 0);
  return some.length <= 1 || some.reduce((sum, amount) => sum + amount, 0) <= limit;
}
