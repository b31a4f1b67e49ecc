import { registerProvider } from '@ledgerlift/providers';
import type { AdoptedVm } from '@ledgerlift/targets';
import { labProvider } from '@ledgerlift/testing-extensions';
import { inventoryOf } from '../../spec/fixtures.js';
import type { PlanFacts } from '../plan-facts.js';
import type { Case } from './case.js';
import { factsWith, vm, vmNamed, vsphere } from './facts.js';

const good = factsWith([vm()]);
const two = [vmNamed('web'), vmNamed('db')];
const twins = { ...inventoryOf(...two), storages: ['a', 'b'].map((id) => ({ id, name: 'twin' })) };
const isNoCritical = vm({ changeTracking: 'on' });
const warm = { spec: { type: 'warm' } };
const enabling = { spec: { type: 'warm', warm: { enableChangeTracking: true } } };
const selecting = (select: readonly object[], more: object = {}): { readonly spec: object } => ({
  spec: { vms: [], select, ...more },
});
const hooks = (...names: readonly string[]): { readonly spec: object } => ({
  spec: { hooks: names.map((name) => ({ name, at: 'before', run: { kind: 'event' } })) },
});

/** Conditions of contradicting settings, and of the selection. */
export const planCases: Readonly<Record<string, Case | readonly Case[]>> = {
  PodCredentialsNotSetUp: {
    raised: factsWith([vm()], { pods: 'without-credentials' }),
    reason: 'NoSigningKey',
    items: ['out'],
    not: factsWith([vm()], { pods: 'ready' }),
  },
  MigrationTypeNotValid: [
    { raised: factsWith([isNoCritical], warm), reason: 'NotSupported', items: ['warm'], not: good },
    { raised: factsWith([vm()], { spec: { type: 'live' } }), reason: 'NotSupported', not: good },
  ],
  VMMissingChangedBlockTracking: [
    {
      raised: factsWith([vm({ changeTracking: 'off' })], warm),
      reason: 'NotTracked',
      items: ['web'],
      not: factsWith([isNoCritical], warm),
    },
    {
      raised: lab(factsWith([vm({ changeTracking: 'off' })], enabling)),
      reason: 'NotTracked',
      not: { ...factsWith([vm({ changeTracking: 'off' })], enabling), source: vsphere() },
    },
  ],
  VMHasSnapshots: {
    raised: factsWith([vm({ snapshots: ['before the update'] })], warm),
    reason: 'SnapshotsPresent',
    not: factsWith([vm({ snapshots: ['ledgerlift-0123456789abcdef-0-1'] })], warm),
  },
  CutoverTimePassed: [
    {
      raised: factsWith([vm()], cutoverAt('2001-01-01T00:00:00Z')),
      reason: 'InThePast',
      not: factsWith([vm()], cutoverAt('2999-01-01T00:00:00Z')),
    },
    {
      raised: factsWith([isNoCritical], {
        spec: { type: 'warm', vms: [{ ref: 'web', cutoverAt: '2001-01-01T00:00:00Z' }] },
      }),
      reason: 'OfVmInThePast',
      items: ['web'],
      not: factsWith([isNoCritical], {
        spec: { type: 'warm', vms: [{ ref: 'web', cutoverAt: '2999-01-01T00:00:00Z' }] },
      }),
    },
  ],
  CutoverPolicyNotValid: {
    raised: factsWith([isNoCritical], {
      spec: { type: 'warm', warm: { maxPrecopies: 0, cutover: { by: 'downtime', maxDowntimeMs: 1000 } } },
    }),
    reason: 'NoPassAllowed',
    not: factsWith([isNoCritical], {
      spec: { type: 'warm', warm: { maxPrecopies: 1, cutover: { by: 'downtime', maxDowntimeMs: 1000 } } },
    }),
  },
  CutoverTimeNotUsed: {
    raised: factsWith([vm()], { spec: { vms: [{ ref: 'web', cutoverAt: '2999-01-01T00:00:00Z' }] } }),
    reason: 'NotWarm',
    items: ['web'],
    not: factsWith([vm()], {
      spec: { type: 'warm', vms: [{ ref: 'web', cutoverAt: '2999-01-01T00:00:00Z' }] },
    }),
  },
  HookNamesNotUnique: {
    raised: factsWith([vm()], hooks('dns', 'dns')),
    reason: 'NotUnique',
    items: ['dns'],
    not: factsWith([vm()], hooks('dns', 'backup')),
  },
  RetireSourceNotSupported: {
    raised: factsWith([vm()], { spec: { retireSource: { tag: 'moved', disconnectNics: true } } }),
    reason: 'NotSupported',
    items: ['disconnectNics', 'tag'],
    not: lab(factsWith([vm()], { spec: { retireSource: { tag: 'moved' } } })),
  },
  GuestNeedsVirtioDrivers: {
    raised: factsWith([vm()], { spec: { skipGuestConversion: true, useCompatibilityMode: false } }),
    reason: 'NotConverted',
    items: ['web'],
    not: factsWith([vm()], { spec: { skipGuestConversion: true } }),
  },
  InspectionNotDone: [
    {
      raised: factsWith([vm()], { spec: { inspect: true } }),
      reason: 'NotUsed',
      items: ['inspect'],
      not: factsWith([isNoCritical], { spec: { inspect: true, type: 'warm' } }),
    },
    {
      raised: factsWith([vm()], { spec: { inspect: true, type: 'warm', skipGuestConversion: true } }),
      reason: 'NotUsed',
      not: good,
    },
  ],
  BroughtDisksNotUsed: {
    raised: factsWith([vm()], { spec: { vms: [{ ref: 'web', disks: { files: ['in/a.img'] } }] } }),
    reason: 'NotConversion',
    items: ['web'],
    not: adopted([]),
  },
  MissingPvcForOnlyConversion: (['NotFound', 'Ambiguous', 'OtherSize', 'NotUsable', 'InUse'] as const).map(
    (reason) => ({
      raised: adopted([{ reason, message: '"in/a.img": it is so' }]),
      reason,
      items: ['web'],
      not: adopted([]),
    }),
  ),
  SelectorNotClear: {
    raised: factsWith(two, { ...selecting([{ name: 'w*' }, { storage: 'twin' }]), inventory: twins }),
    reason: 'NameNotUnique',
    items: ['select[1]'],
    not: factsWith(two, { ...selecting([{ name: 'w*' }, { storage: 'a' }]), inventory: twins }),
  },
  SelectorMatchesNothing: [
    {
      raised: factsWith(two, selecting([{ name: 'w*' }, { folder: '/prod' }])),
      reason: 'NoVm',
      items: ['select[1] (folder /prod)'],
      not: factsWith(two, selecting([{ name: 'w*' }])),
    },
    {
      raised: factsWith(two, selecting([{ name: '*' }], { except: ['mail'] })),
      reason: 'ExceptionNotFound',
      items: ['mail'],
      not: factsWith(two, selecting([{ name: '*' }], { except: ['db'] })),
    },
  ],
  VMNotFound: [
    {
      raised: factsWith([vm()], { spec: { vms: [{ ref: 'ghost' }] } }),
      reason: 'NotFound',
      items: ['ghost'],
      not: good,
    },
    {
      raised: factsWith([vm()], selecting([{ name: 'x*' }])),
      reason: 'NothingSelected',
      not: factsWith([vm()], selecting([{ name: 'w*' }])),
    },
  ],
};

export const conflictCases: readonly Case[] = [
  {
    raised: factsWith(
      two,
      selecting([
        { name: '*', wave: 1 },
        { name: 'db', wave: 2 },
      ]),
    ),
    reason: 'SettingsConflict',
    items: ['db'],
    not: factsWith(
      two,
      selecting([
        { name: '*', wave: 1 },
        { name: 'db', priority: 9 },
      ]),
    ),
  },
  {
    raised: factsWith(two, { spec: { except: ['db'] } }),
    reason: 'NamedAndExcepted',
    items: ['db'],
    not: factsWith(two, selecting([{ name: '*' }], { except: ['db'] })),
  },
  {
    raised: factsWith([vm({ id: 'a' }), vm({ id: 'b' })], selecting([{ name: '*' }], { except: ['web'] })),
    reason: 'ExceptionAmbiguous',
    items: ['web'],
    not: factsWith([vm({ id: 'a' }), vm({ id: 'b' })], selecting([{ name: '*' }], { except: ['a'] })),
  },
];

function cutoverAt(at: string): { readonly spec: object } {
  return { spec: { type: 'warm', warm: { cutover: { by: 'time', at } } } };
}

/** A `conversion` plan without a storage mapping. */
function adopted(problems: AdoptedVm['problems']): PlanFacts {
  const disks = [{ diskId: 'disk-0', name: 'in/a.img', format: 'raw' as const }];
  const facts = factsWith([vm()], {
    spec: {
      type: 'conversion',
      storageMapping: undefined,
      vms: [{ ref: 'web', disks: { files: ['in/a.img'] } }],
    },
    adopted: new Map([
      ['web', { disks, problems }],
      [vm().id, { disks, problems }],
    ]),
  });
  return { ...facts, storageMapping: undefined };
}

function lab(of: PlanFacts): PlanFacts {
  registerProvider(labProvider);
  const settings = { url: 'http://127.0.0.1:1' };
  return {
    ...of,
    source: { id: 'src', spec: { name: 'lab', type: 'x-lab', sites: ['local'], settings }, problems: [] },
  };
}
