import { describe, expect, it } from '@jest/globals';
import { PlanSpec, type SourceVm } from '@ledgerlift/contracts';
import { inventoryOf, planSpec, webVm } from '../spec/fixtures.js';
import { selectVms } from './select-vms.js';

const vm = (name: string, change: Partial<SourceVm> = {}): SourceVm => ({
  ...webVm,
  id: `id-${name}`,
  name,
  ...change,
});
const inventory = inventoryOf(
  vm('web-1', { folder: '/prod/web' }),
  vm('web-2', { folder: '/prod/web', powerState: 'on' }),
  vm('db', { folder: '/prod', tags: ['gold'] }),
  vm('lone'),
);
const selecting = (change: object) =>
  selectVms(PlanSpec.parse({ ...planSpec, vms: [], ...change }), inventory);
const told = (change: object) =>
  selecting(change).vms.map(({ vm: found, by }) => `${found?.name}: ${by.join(' ')}`);

describe('a selection', () => {
  it('combines the VMs of all selectors and of the list, each once', () => {
    expect(told({ vms: [{ ref: 'db' }], select: [{ folder: '/prod/web' }, { folder: '/prod' }] })).toEqual([
      'db: vms[0] select[1]',
      'web-1: select[0] select[1]',
      'web-2: select[0] select[1]',
    ]);
  });

  it('leaves out exceptions, by id or by name', () => {
    const change = { select: [{ folder: '/prod' }], except: ['id-web-1', 'db'] };
    expect(told(change)).toEqual(['web-2: select[0]']);
    expect(selecting(change).leftOut.map(({ name }) => name)).toEqual(['web-1', 'db']);
  });

  it('is ambiguous if the name of one VM is the id of another', () => {
    const odd = inventoryOf(vm('web'), vm('id-web', { id: 'vm-2' }));
    const plan = PlanSpec.parse({ ...planSpec, vms: [{ ref: 'id-web' }] });
    expect(selectVms(plan, odd).vms.map(({ matches }) => matches.length)).toEqual([2]);
  });

  it('merges the settings of a VM, including its labels', () => {
    const [one] = selecting({
      vms: [{ ref: 'db', targetName: 'data', labels: { tier: 'back' }, annotations: { by: 'me' } }],
      select: [
        { tag: 'gold', wave: 2, labels: { gold: 'yes' }, annotations: { for: 'you' } },
        { folder: '/prod', wave: 2, priority: 80, targetNamespace: 'prod' },
      ],
    }).vms;
    expect(one?.conflicts).toEqual([]);
    expect(one?.entry).toEqual({
      ref: 'db',
      targetName: 'data',
      wave: 2,
      priority: 80,
      targetNamespace: 'prod',
      labels: { tier: 'back', gold: 'yes' },
      annotations: { by: 'me', for: 'you' },
    });
  });

  it('reports conflicting settings of a VM', () => {
    const [one] = selecting({
      vms: [{ ref: 'db', wave: 1, labels: { tier: 'back' }, annotations: { by: 'me' } }],
      select: [{ tag: 'gold', wave: 2, labels: { tier: 'front' }, annotations: { by: 'you' } }],
    }).vms;
    expect(one?.conflicts).toEqual([
      'label tier is back in vms[0] and front in select[0]',
      'wave is 1 in vms[0] and 2 in select[0]',
      'annotation by is me in vms[0] and you in select[0]',
    ]);
  });

  it('stays the same for a retry, although the migration changed what selectors look at', () => {
    const spec = PlanSpec.parse({ ...planSpec, vms: [], select: [{ powerState: 'on' }] });
    const nowOff = {
      ...inventory,
      vms: inventory.vms.map((each) => ({ ...each, powerState: 'off' as const })),
    };
    const recorded = new Map(
      inventory.vms.filter(({ name }) => name === 'web-2').map((each) => [each.id, each]),
    );
    expect(selectVms(spec, nowOff).vms).toEqual([]);
    expect(selectVms(spec, nowOff, recorded).vms.map(({ vm: found }) => found)).toMatchObject([
      { name: 'web-2', powerState: 'off' },
    ]);
  });

  it('applies a hundred selectors to ten thousand VMs', () => {
    const many = inventoryOf(...Array.from({ length: 10_000 }, (_, index) => vm(`vm-${index}`)));
    const select = Array.from({ length: 100 }, (_, index) => ({ name: `vm-*${index}` }));
    const spec = PlanSpec.parse({ ...planSpec, vms: [], select });
    expect(selectVms(spec, many).vms.length).toBeGreaterThan(5000);
  });
});
