import type { DiskBacking, InventoryProblem, SourceDisk, SourceVm } from '@ledgerlift/contracts';
import type { ToolAtSite, ToolsAtSite } from '@ledgerlift/providers';
import type { PlanFacts } from '../plan-facts.js';
import type { Case } from './case.js';
import { factsWith, vm, vmNamed, vsphere, workers } from './facts.js';

type Backing = Extract<DiskBacking, { kind: 'vsphere' }>;

const warm = { type: 'warm' };
const disk = (backing: Partial<Backing>, shared = false): SourceDisk => ({
  id: '2000',
  name: 'Hard disk 1',
  capacityBytes: 2 ** 20,
  storage: 'ova',
  bus: 'scsi',
  controller: 0,
  unit: 0,
  shared,
  backing: {
    kind: 'vsphere',
    vmId: 'vm-62',
    key: 2000,
    uuid: '6000C29a',
    file: '[ds] web/web.vmdk',
    datastore: 'datastore-11',
    format: 'flat',
    mode: 'persistent',
    hasParent: false,
    ...backing,
  },
});
const web = vm({ id: 'vm-62', disks: [disk({})], changeTracking: 'on', host: 'esx1' });
/** VMs on two hosts with the same name. */
const twins = [
  { ...web, hostId: 'host-1' },
  { ...web, id: 'vm-63', name: 'db', hostId: 'host-2' },
];
const withDisk = (...of: Parameters<typeof disk>): SourceVm => ({ ...web, disks: [disk(...of)] });

interface Around {
  /** Version of the vCenter. */
  readonly version?: string;
  readonly vms?: readonly SourceVm[];
  readonly spec?: object;
  readonly settings?: object;
  readonly problems?: readonly InventoryProblem[];
  readonly transferTools?: ToolsAtSite;
  readonly planned?: { readonly isCopied: boolean };
}
/** A plan of VMs of a vCenter without problems, with the given changes. */
function plan({
  vms = [web],
  spec,
  settings,
  problems,
  transferTools,
  planned,
  version,
}: Around = {}): PlanFacts {
  const facts = factsWith(vms, {
    source: vsphere(settings, problems),
    ...(spec === undefined ? {} : { spec }),
    ...(transferTools === undefined ? {} : { workers: { ...workers, transferTools } }),
    ...(planned === undefined ? {} : { planned }),
  });
  const { inventory } = facts;
  return version === undefined || inventory === undefined
    ? facts
    : { ...facts, inventory: { ...inventory, version } };
}
const tools = (oldest: ToolAtSite['oldest'], ...problems: string[]): ToolsAtSite => ({
  vddk: { oldest, problems },
});
const none = tools(undefined, 'transfer/a/1: LEDGERLIFT_VDDK_DIR is not set');
const recent = { version: '8.0.3', path: '/opt/vddk' };
const old = { version: '6.0.1', path: '/opt/vddk' };
const some = tools(recent, 'transfer/b/1: it is not there');
/** Tools of pods that do not exist yet. */
const expected = tools({ version: '', path: '/opt/vddk' });
const problem = (code: string, item: string): InventoryProblem => ({
  item,
  code,
  message: 'it is so',
  category: 'Warn',
});
const lacks = (...ids: readonly string[]): { readonly problems: readonly InventoryProblem[] } => ({
  problems: ids.map((id) => problem('LL-VSP-020', id)),
});
const SNAPSHOT = 'VirtualMachine.State.CreateSnapshot';
const ATTACH = 'InventoryService.Tagging.AttachTag';
const concerned = (id: string, category: 'Warning' | 'Critical' = 'Warning'): PlanFacts =>
  plan({ vms: [{ ...web, concerns: [{ id, category, label: id, assessment: 'See to it.' }] }] });
const lack = (transferTools: ToolsAtSite, reason: string): readonly [warm: Case, cold: Case] => [
  {
    raised: plan({ spec: warm, transferTools }),
    reason,
    not: plan({ spec: warm, transferTools: expected }),
  },
  { raised: plan({ transferTools }), reason, not: plan({ transferTools: expected }) },
];
const lacking = [lack(none, 'Missing'), lack(tools(old), 'TooOld'), lack(some, 'NotEverywhere')];
const uuid = '420b9c2c-0000';

/** Conditions of plans whose source is vSphere. */
export const vsphereCases: Readonly<Record<string, Case | readonly Case[]>> = {
  ConnectionInsecure: {
    raised: plan({ settings: { insecureSkipVerify: true } }),
    reason: 'NotVerified',
    items: ['vcenter'],
    not: plan(),
  },
  InsufficientPrivileges: [
    {
      raised: plan({ ...lacks(SNAPSHOT, ATTACH), spec: warm }),
      reason: 'LL-VSP-020',
      items: [SNAPSHOT],
      not: plan(lacks(SNAPSHOT)),
    },
    {
      // A single host requires it, whichever way disks are read.
      raised: plan({ ...lacks('Datastore.FileManagement'), settings: { sdkEndpoint: 'esxi' } }),
      reason: 'LL-VSP-020',
      items: ['Datastore.FileManagement'],
      not: plan(lacks('Datastore.FileManagement')),
    },
    {
      raised: plan({ ...lacks('VApp.Export'), transferTools: none }),
      reason: 'LL-VSP-020',
      items: ['VApp.Export'],
      not: plan({ ...lacks('VApp.Export'), transferTools: tools(recent) }),
    },
    {
      raised: plan({ ...lacks(ATTACH), spec: { retireSource: { tag: 'moved' } } }),
      reason: 'LL-VSP-020',
      not: plan({ ...lacks(ATTACH), spec: { retireSource: { renameSuffix: '-old' } } }),
    },
    {
      raised: plan({
        ...lacks('VirtualMachine.Config.ChangeTracking'),
        spec: { ...warm, warm: { enableChangeTracking: true } },
      }),
      reason: 'LL-VSP-020',
      not: plan({ ...lacks('VirtualMachine.Config.ChangeTracking'), spec: warm }),
    },
    { raised: plan({ problems: [problem('LL-VSP-021', 'privileges')] }), reason: 'LL-VSP-021', not: plan() },
  ],
  HostNotValid: {
    raised: plan({ problems: [problem('LL-VSP-022', 'esx9')] }),
    reason: 'LL-VSP-022',
    items: ['esx9'],
    not: plan(),
  },
  HostSecretNotValid: [
    {
      raised: plan({ problems: [problem('LL-VSP-023', 'esx1')] }),
      reason: 'LL-VSP-023',
      items: ['esx1', 'web'],
      not: plan({ problems: [problem('LL-VSP-023', 'esx2')] }),
    },
    {
      raised: plan({ problems: [problem('LL-VSP-023', 'host-2')], vms: twins }),
      reason: 'LL-VSP-023',
      items: ['host-2', 'db'],
      not: plan({ problems: [problem('LL-VSP-023', 'host-3')], vms: twins }),
    },
    {
      raised: plan({ problems: [problem('LL-VSP-023', 'esx1')] }),
      reason: 'LL-VSP-023',
      not: plan({ problems: [problem('LL-VSP-023', 'esx1')], planned: { isCopied: true } }),
    },
  ],
  SourceObjectNotReadable: (() => {
    const facts = plan();
    const { inventory } = facts;
    const problems = [problem('LL-VSP-015', 'lost')];
    return {
      raised: { ...facts, inventory: inventory && { ...inventory, problems } },
      reason: 'LL-VSP-015',
      items: ['lost'],
      not: facts,
    };
  })(),
  VDDKNotAvailable: lacking.map(([isWarm]) => isWarm),
  DisksReadWithoutVDDK: lacking.map(([, isCold]) => isCold),
  VDDKVersionNotFitting: [
    {
      raised: plan({ version: '9.0.1', spec: warm }),
      reason: 'OlderThanSource',
      items: ['transfer'],
      not: plan({ version: '8.0.2', spec: warm }),
    },
    { raised: plan({ version: '6.5.0' }), reason: 'NewerThanSource', not: plan({ version: '7.0.3' }) },
    {
      raised: plan({ version: '9.0.1', transferTools: some }),
      reason: 'OlderThanSource',
      not: plan({ version: '9.0.1', transferTools: none }),
    },
    {
      raised: plan({ version: '9.0.1' }),
      reason: 'OlderThanSource',
      not: plan({ version: '9.0.1', transferTools: tools(old) }),
    },
    { raised: plan({ version: '9.0.1' }), reason: 'OlderThanSource', not: plan() },
  ],
  SourceHasNoTags: {
    raised: plan({ settings: { sdkEndpoint: 'esxi' }, spec: { retireSource: { tag: 'moved' } } }),
    reason: 'NoVcenter',
    items: ['vcenter'],
    not: plan({ settings: { sdkEndpoint: 'esxi' }, spec: { retireSource: { renameSuffix: '-old' } } }),
  },
  VMDiskNotSupported: [
    {
      raised: plan({ vms: [withDisk({ mode: 'independent_persistent' })], spec: warm }),
      reason: 'Independent',
      items: ['web', 'Hard disk 1'],
      not: plan({ vms: [withDisk({ mode: 'independent_persistent' })] }),
    },
    {
      raised: plan({ vms: [withDisk({}, true)], spec: warm }),
      reason: 'Shared',
      not: plan({ vms: [withDisk({}, true)] }),
    },
    {
      raised: plan({ vms: [withDisk({ format: 'rdm-physical' })] }),
      reason: 'RDMPhysical',
      not: plan({ vms: [withDisk({ format: 'rdm-virtual' })] }),
    },
    {
      raised: plan({ vms: [withDisk({ format: 'rdm-physical' })] }),
      reason: 'RDMPhysical',
      not: plan({
        vms: [withDisk({ format: 'rdm-physical' })],
        spec: { type: 'conversion', storageMapping: undefined },
      }),
    },
  ],
  VMUuidNotUnique: {
    raised: plan({
      vms: [{ ...web, uuid }, vmNamed('db', { ...web, id: 'vm-63', name: 'db', uuid: uuid.toUpperCase() })],
    }),
    reason: 'NotUnique',
    items: ['web', 'db'],
    not: plan({ vms: [{ ...web, uuid }, vmNamed('db', { ...web, id: 'vm-63', name: 'db' })] }),
  },
  IndependentDiskWarning: {
    raised: concerned('vmware.disk_mode.independent'),
    reason: 'vmware.disk_mode.independent',
    items: ['web'],
    not: plan(),
  },
  RDMDiskWarning: {
    raised: concerned('vmware.disk.rdm.detected'),
    reason: 'vmware.disk.rdm.detected',
    not: plan(),
  },
  VMConsolidationNeeded: {
    raised: concerned('vmware.consolidation_needed'),
    reason: 'vmware.consolidation_needed',
    not: plan(),
  },
  HostNotReady: {
    raised: concerned('vmware.host.not_ready'),
    reason: 'vmware.host.not_ready',
    not: plan(),
  },
};

/** Concerns that matter to some plans only: one plan to which each matters, and one to which it does not. */
export const partialConcerns: readonly (readonly [id: string, matters: object, not: object])[] = [
  ['vmware.guestDisks.freespace', {}, { skipGuestConversion: true }],
  ['vmware.encryption.detected', {}, { type: 'conversion', storageMapping: undefined }],
  ['vmware.changed_block_tracking.disabled', warm, {}],
];
export const concernedPlan = (id: string, spec: object): PlanFacts => {
  const concerns = [{ id, category: 'Critical' as const, label: id, assessment: 'See to it.' }];
  return plan({ vms: [{ ...web, concerns }], spec });
};
