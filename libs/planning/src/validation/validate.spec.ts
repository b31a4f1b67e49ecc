import { describe, expect, it } from '@jest/globals';
import type { Concern, InventoryProblem, SourceDisk, SourceNic, SourceVm } from '@ledgerlift/contracts';
import { sourceConditionTypes } from '@ledgerlift/providers';
import { sharedConditionTypes } from '@ledgerlift/targets';
import { allConditionTypes, conditionTypes } from './condition-types.js';
import type { PlanFacts } from './plan-facts.js';
import type { Case } from './spec/case.js';
import { factsWith, vm, vmNamed, webVm, workers } from './spec/facts.js';
import { conflictCases, planCases } from './spec/plan-cases.js';
import { guestCases } from './spec/guest-cases.js';
import { nameCases } from './spec/name-cases.js';
import { vsphereCases } from './spec/vsphere-cases.js';
import { isReady, validatePlan } from './validate.js';

const [diskOne] = webVm.disks;
const [nicOne] = webVm.nics;
const disk = (change: Partial<SourceDisk>): SourceDisk => ({ ...(diskOne ?? fail()), ...change });
const nic = (change: Partial<SourceNic>): SourceNic => ({ ...(nicOne ?? fail()), ...change });
const concern = (id: string, category: Concern['category']): Concern => ({
  id,
  category,
  label: id,
  assessment: 'See to it.',
});
const trouble: InventoryProblem = { item: 'web.ova', code: 'LL-OVA-001', message: 'it is not what it says' };
const otherEnds = { sourceId: 'other', targetId: 'dst' };
const good = factsWith([vm()]);
const multus = { pairs: [{ source: 'VM Network', destination: { type: 'multus', name: 'lan' } }] };
const lan = (change: object) => ({
  settings: { networks: [{ name: 'lan', type: 'multus', ...change }] },
  networks: multus,
});
const storage = (change: object) => ({ settings: { storages: [{ name: 'default', ...change }] } });
const toPod = (source: string) => ({ source, destination: { type: 'pod' as const } });
const toClass = (source: string, storageClass = 'default') => ({ source, destination: { storageClass } });
const two = [vmNamed('web'), vmNamed('db')];
const provider = (problems: readonly InventoryProblem[], of: PlanFacts['source']): PlanFacts['source'] =>
  of && { ...of, problems };
function fail(): never {
  throw new Error('the fixture has a disk and a NIC');
}

/** For each condition: facts for which it is raised, and facts close to them for which it is not. */
const cases: Readonly<Record<string, Case | readonly Case[]>> = {
  ...planCases,
  ...guestCases,
  ...nameCases,
  ...vsphereCases,
  SourceProviderNotValid: [
    { raised: { ...good, source: undefined }, reason: 'NotFound', items: ['files'], not: good },
    { raised: { ...good, source: good.target }, reason: 'NotASource', not: good },
  ],
  SourceProviderNotReady: {
    raised: { ...good, source: provider([trouble], good.source) },
    reason: 'LL-OVA-001',
    not: good,
  },
  DestinationProviderNotValid: [
    { raised: { ...good, target: undefined }, reason: 'NotFound', items: ['out'], not: good },
    { raised: { ...good, target: good.source }, reason: 'NotATarget', not: good },
  ],
  DestinationProviderNotReady: {
    raised: { ...good, target: provider([trouble], good.target) },
    reason: 'LL-OVA-001',
    not: good,
  },
  NetworkMapRefNotValid: [
    { raised: { ...good, networkMapping: undefined }, reason: 'NotFound', items: ['nets'], not: good },
    { raised: { ...good, networkMapping: good.storageMapping }, reason: 'WrongKind', not: good },
    {
      raised: { ...good, networkMapping: good.networkMapping && { ...good.networkMapping, ...otherEnds } },
      reason: 'OtherProviders',
      not: good,
    },
  ],
  StorageRefNotValid: [
    { raised: { ...good, storageMapping: undefined }, reason: 'NotFound', items: ['disks'], not: good },
    { raised: { ...good, storageMapping: good.networkMapping }, reason: 'WrongKind', not: good },
    {
      raised: { ...good, storageMapping: good.storageMapping && { ...good.storageMapping, ...otherEnds } },
      reason: 'OtherProviders',
      not: good,
    },
  ],
  DuplicateVM: [
    ...conflictCases,
    {
      raised: factsWith([vm()], { spec: { vms: [{ ref: webVm.id }, { ref: 'web' }] } }),
      reason: 'NotUnique',
      items: ['web'],
      not: good,
    },
    {
      raised: factsWith([vm({ id: 'a' }), vm({ id: 'b' })], { spec: { vms: [{ ref: 'web' }] } }),
      reason: 'Ambiguous',
      items: ['web'],
      not: factsWith([vm({ id: 'a' }), vm({ id: 'b' })], { spec: { vms: [{ ref: 'a' }] } }),
    },
    {
      raised: factsWith(two, { spec: { vms: [{ ref: 'web' }, { ref: 'db', targetName: 'web' }] } }),
      reason: 'TargetNameNotUnique',
      items: ['web', 'db'],
      not: factsWith(two, { spec: { vms: [{ ref: 'web' }, { ref: 'db', targetName: 'data' }] } }),
    },
  ],
  TargetNameNotValid: {
    raised: factsWith([vmNamed('Web Server_1')]),
    reason: 'Renamed',
    items: ['Web Server_1'],
    not: factsWith([vmNamed('Web Server_1')], {
      spec: { vms: [{ ref: 'Web Server_1', targetName: 'web' }] },
    }),
  },
  VMAlreadyExists: {
    raised: factsWith([vm()], {
      room: { freeBytes: 2 ** 40, taken: new Map([['default/web', 'it is there']]) },
    }),
    reason: 'NotUnique',
    items: ['web'],
    not: factsWith([vm()], { room: { freeBytes: 2 ** 40, taken: new Map([['other/web', 'it is there']]) } }),
  },
  VMNetworksNotMapped: {
    raised: factsWith([vm({ nics: [nic({ network: 'DMZ' })] })]),
    reason: 'NotMapped',
    items: ['DMZ', 'web'],
    not: factsWith([vm({ nics: [nic({ network: 'DMZ' })] })], {
      networks: { pairs: [{ source: 'DMZ', destination: { type: 'ignored' } }] },
    }),
  },
  VMNicNotConnected: {
    raised: factsWith([vm({ nics: [nic({ network: '' })] })]),
    reason: 'NoNetwork',
    not: good,
  },
  VMMultiplePodNetworkMappings: {
    raised: factsWith([vm({ nics: [nic({ id: 'a' }), nic({ id: 'b' })] })]),
    reason: 'TooMany',
    items: ['web'],
    not: good,
  },
  VMNicKindNotSupported: {
    raised: factsWith([vm({ nics: [nic({ kind: 'sriov' })] })], lan({})),
    reason: 'KindNotAllowed',
    not: factsWith([vm({ nics: [nic({ kind: 'sriov' })] })], lan({ nicKinds: ['sriov'] })),
  },
  SourceNetworkNotValid: {
    raised: factsWith([vm()], { networks: { pairs: [toPod('VM Network'), toPod('gone')] } }),
    reason: 'NotFound',
    items: ['gone'],
    not: good,
  },
  DestinationNetworkNotValid: [
    {
      raised: factsWith([vm()], { networks: multus }),
      reason: 'NotFound',
      items: ['multus default/lan'],
      not: factsWith([vm()], lan({})),
    },
    {
      raised: factsWith([vm()], lan({ namespace: 'elsewhere' })),
      reason: 'NotFound',
      not: factsWith([vm()], lan({ namespace: 'default' })),
    },
  ],
  VMStorageNotMapped: {
    raised: factsWith([vm({ disks: [disk({ storage: 'fast' })] })]),
    reason: 'NotMapped',
    items: ['fast', 'web'],
    not: good,
  },
  SourceStorageNotValid: {
    raised: factsWith([vm()], { storages: { pairs: [toClass('ova'), toClass('gone')] } }),
    reason: 'NotFound',
    items: ['gone'],
    not: good,
  },
  DestinationStorageNotValid: [
    {
      raised: factsWith([vm()], {
        storages: { pairs: [toClass('ova', 'gone')] },
      }),
      reason: 'NotFound',
      items: ['gone'],
      not: good,
    },
    {
      raised: factsWith([vm()], storage({ accessModes: ['ReadWriteMany'] })),
      reason: 'AccessModeNotOffered',
      not: factsWith([vm()], storage({ accessModes: ['ReadWriteMany', 'ReadWriteOnce'] })),
    },
    {
      raised: factsWith([vm()], storage({ volumeModes: ['Block'] })),
      reason: 'VolumeModeNotOffered',
      not: factsWith([vm()], storage({ volumeModes: ['Block', 'Filesystem'] })),
    },
  ],
  TargetNotEnoughRoom: [
    {
      raised: factsWith([vm()], { room: { freeBytes: 2 ** 19, taken: new Map() } }),
      reason: 'NotEnoughRoom',
      items: ['out'],
      not: factsWith([vm()], {
        room: { freeBytes: 2 ** 19, taken: new Map() },
        planned: { isCopied: true, isConverted: true },
      }),
    },
    {
      // Its disks are there, and its conversion is still to come.
      raised: factsWith([vm()], {
        room: { freeBytes: 16.5 * 2 ** 20, taken: new Map() },
        planned: { isCopied: true },
      }),
      reason: 'NotEnoughRoom',
      not: factsWith([vm()], {
        room: { freeBytes: 17.5 * 2 ** 20, taken: new Map() },
        planned: { isCopied: true },
      }),
    },
    {
      // The disk of 1 MiB fits, and the overlay of its conversion not.
      raised: factsWith([vm()], { room: { freeBytes: 17.5 * 2 ** 20, taken: new Map() } }),
      reason: 'NotEnoughRoom',
      items: ['out'],
      not: factsWith([vm()], {
        room: { freeBytes: 17.5 * 2 ** 20, taken: new Map() },
        spec: { skipGuestConversion: true },
      }),
    },
  ],
  InvalidDiskSizes: [
    {
      raised: factsWith([vm({ disks: [disk({ capacityBytes: 0 })] })]),
      reason: 'SizeNotSane',
      items: ['web'],
      not: good,
    },
    { raised: factsWith([vm({ disks: [disk({ capacityBytes: -1 })] })]), reason: 'SizeNotSane', not: good },
    {
      raised: factsWith([vm({ disks: [disk({ capacityBytes: 2 ** 52 })] })]),
      reason: 'SizeNotSane',
      not: good,
    },
  ],
  VMHasNoDisks: { raised: factsWith([vm({ disks: [] })]), reason: 'NoDisks', not: good },
  SharedDisks: {
    raised: factsWith([vm({ disks: [disk({ shared: true })] })]),
    reason: 'Shared',
    items: ['web'],
    not: good,
  },
  MacConflicts: {
    raised: factsWith(two.map((each) => ({ ...each, nics: [nic({ mac: '00:50:56:00:00:01' })] }))),
    reason: 'NotUnique',
    items: ['web', 'db'],
    not: factsWith(two),
  },
  OVADigestMismatch: {
    raised: factsWith([vm()], { digests: new Map([[webVm.id, [trouble]]]) }),
    reason: 'LL-OVA-001',
    items: ['web', 'web.ova'],
    not: factsWith([vm()], { digests: new Map([['another', [trouble]]]) }),
  },
  OVANotReadable: {
    raised: factsWith([vm()], { inventory: { ...(good.inventory ?? fail()), problems: [trouble] } }),
    reason: 'LL-OVA-001',
    items: ['web.ova'],
    not: good,
  },
  UnsupportedOVFExportSource: {
    raised: factsWith([vm({ concerns: [concern('ova.source.unsupported', 'Warning')] })]),
    reason: 'ova.source.unsupported',
    items: ['web'],
    not: good,
  },
  VMCriticalConcerns: {
    raised: factsWith([vm({ concerns: [concern('ova.disk.capacity.invalid', 'Critical')] })]),
    reason: 'ova.disk.capacity.invalid',
    items: ['web'],
    not: good,
  },
  VMConcerns: [
    'ova.cpu_affinity.detected',
    'ova.cpu_memory.hotplug.enabled',
    'ova.disk.count.exceeds.limit',
    'ova.name.invalid',
  ].map((id) => ({
    raised: factsWith(two.map((each): SourceVm => ({ ...each, concerns: [concern(id, 'Warning')] }))),
    reason: id,
    items: ['web', 'db'],
    not: good,
  })),
  VMInformation: {
    raised: factsWith([vm({ concerns: [concern('x.y', 'Information')] })]),
    reason: 'x.y',
    not: good,
  },
  NoCommonSite: {
    raised: { ...good, site: undefined, workers: undefined },
    reason: 'NoSite',
    items: ['files', 'out'],
    not: good,
  },
  GuestConversionNotAvailable: {
    raised: factsWith([vm()], {
      workers: { ...workers, conversionProblems: ['virt-v2v-in-place is missing'] },
    }),
    reason: 'ToolMissing',
    not: factsWith([vm()], {
      spec: { skipGuestConversion: true },
      workers: { ...workers, conversionProblems: ['virt-v2v-in-place is missing'] },
    }),
  },
  WorkerNotConnected: {
    raised: factsWith([vm()], {
      workers: { ...workers, connected: ['transfer', 'vm-creator'], conversionProblems: undefined },
    }),
    reason: 'NoAnswer',
    items: ['converter'],
    not: factsWith([vm()], {
      spec: { skipGuestConversion: true },
      workers: { ...workers, connected: ['transfer', 'vm-creator'], conversionProblems: undefined },
    }),
  },
};

describe('a plan without problems', () => {
  it('has no conditions and is ready', () => {
    expect(validatePlan(good)).toEqual([]);
    expect(isReady([])).toBe(true);
  });
});

describe.each(Object.entries(cases).map(([type, some]) => [type, [some].flat() as readonly Case[]] as const))(
  '%s',
  (type, some) => {
    it.each(some)('is raised ($reason), and not otherwise', ({ raised, reason, items, not }) => {
      const found = validatePlan(raised).find((each) => each.type === type && each.reason === reason);
      const { category, wayOut } = allConditionTypes()[type] ?? fail();
      expect(found).toMatchObject({
        type,
        reason,
        category,
        durable: false,
        ...(items === undefined ? {} : { items }),
      });
      expect(found?.message).toContain(wayOut);
      expect(isReady(validatePlan(raised))).toBe(
        !validatePlan(raised).some((each) => each.category === 'Critical'),
      );
      expect(validatePlan(not).filter((each) => each.type === type && each.reason === reason)).toEqual([]);
    });
  },
);

describe('a plan type that the source does not support', () => {
  it('is refused with those that it supports, explained', () => {
    const [found] = validatePlan(factsWith([vm({ changeTracking: 'on' })], { spec: { type: 'warm' } }));
    expect(found?.message).toMatch(
      /^an ova source does not support plans of type 'warm', only cold \(each VM is off while/,
    );
  });
});

describe('validation', () => {
  it('has a case here for every condition', () => {
    // What only one kind of target raises has its cases where the target is.
    const here = { ...conditionTypes, ...sourceConditionTypes(), ...sharedConditionTypes };
    expect(Object.keys(here).filter((type) => !(type in cases))).toEqual([]);
  });

  it('has no condition type that a kind of source defines as well', () => {
    const ofSources = Object.keys(sourceConditionTypes());
    expect(ofSources.filter((type) => Object.hasOwn(conditionTypes, type))).toEqual([]);
  });

  it('lists Critical conditions first', () => {
    const facts = factsWith([vmNamed('Web 1', { nics: [nic({ network: 'DMZ' })] })]);
    expect(validatePlan(facts).map(({ category }) => category)).toEqual(['Critical', 'Warn']);
  });

  it('finds nothing in ten thousand good VMs', () => {
    const many = Array.from({ length: 10_000 }, (_, index) => vmNamed(`vm-${index}`));
    expect(validatePlan(factsWith(many))).toEqual([]);
  });
});
