import { resources } from '../../resources.js';
import { type Case, type Setup, nic, unknownCase, pair } from './case.js';
import {
  type Placed,
  GiB,
  containerDefault,
  existingClaim,
  existingVm,
  kubevirt,
  node,
  planOf,
  profile,
  quota,
  settingsWith,
  storageClass,
} from './fixtures.js';

const limitRange = (
  limit: { readonly max?: string; readonly min?: string },
  type = 'PersistentVolumeClaim',
) => ({
  limitRanges: [
    {
      name: 'claims',
      namespace: 'vms',
      limits: [
        {
          type,
          max: limit.max === undefined ? {} : { storage: limit.max },
          min: limit.min === undefined ? {} : { storage: limit.min },
          default: {},
        },
      ],
    },
  ],
});
const limited = (hard: Record<string, string>, used: Record<string, string> = {}) => ({
  cluster: { quotas: [quota(hard, used)] },
});
/** Its worker pod is no longer needed. */
const started: readonly Placed[] = [{ startsAtTarget: true, isCopied: true, isConverted: true }];
/** As many VMs, of which two are migrated at once, each with two containers that may use 1.5 CPUs and 4 GiB. */
const migrated = (count: number, over: Partial<Placed> = {}): Setup => ({
  settings: settingsWith({
    requests: { cpu: '2', memory: '3Gi' },
    limits: { cpu: '1500m', memory: '4Gi' },
  }),
  vms: Array.from({ length: count }, (_, index) => ({
    vm: { id: `vm-${index}`, name: `vm${index}`, disks: [] },
    ...over,
  })),
  plan: { spec: { ...planOf([]).spec, maxConcurrentMigrations: 2 } },
});
/** What the containers of one pod may use together, or each, by a limit range. */
const podLimit = (type: 'Pod' | 'Container', max: Record<string, string>) => ({
  limitRanges: [{ name: 'pods', namespace: 'vms', limits: [{ type, max, min: {}, default: {} }] }],
});
/** A quota that leaves too little, and one that leaves just enough. */
const quotaCase = (resource: string, tooSmall: string, enough: string, setup: Setup = {}): Case => ({
  of: 'TargetQuotaExceeded',
  reason: 'NotEnoughLeft',
  items: ['vms/small'],
  says: [resource, tooSmall],
  raised: { ...setup, ...limited({ [resource]: tooSmall }) },
  not: { ...setup, ...limited({ [resource]: enough }) },
});
/** It has one, which is used. */
const full = (resource: string) => quota({ [resource]: '1' }, { [resource]: '1' });

export const roomCases: readonly Case[] = [
  unknownCase('NoNodeTakesVMs', 'NotSchedulable', ['prod'], resources.nodes, { cluster: { nodes: [] } }),
  unknownCase('TPMStateHasNoStorage', 'NoDefaultClass', ['web'], resources.storageClasses, {
    vms: [{ vm: { tpm: true } }],
  }),
  quotaCase('requests.storage', '1023Mi', '1Gi'),
  quotaCase('persistentvolumeclaims', '0', '1'),
  quotaCase('count/persistentvolumeclaims', '0', '1'),
  quotaCase('fast.storageclass.storage.k8s.io/requests.storage', '1023Mi', '1Gi'),
  quotaCase('fast.storageclass.storage.k8s.io/persistentvolumeclaims', '0', '1'),
  quotaCase('count/virtualmachines.kubevirt.io', '0', '1'),
  quotaCase('pods', '0', '1', { vms: started }),
  quotaCase('count/pods', '0', '1', { vms: started }),
  // One CPU of ten: KubeVirt lets ten CPUs of guests share one of a node.
  quotaCase('requests.cpu', '99m', '100m', { vms: started }),
  quotaCase('cpu', '99m', '100m', { vms: started }),
  // The guest's 1 GiB, 2 MiB of page tables, 260 MiB of what runs beside it, and 8 MiB for its CPU.
  quotaCase('requests.memory', '1293Mi', '1294Mi', { vms: started }),
  quotaCase('memory', '1293Mi', '1294Mi', { vms: started }),
  // Worker pods: of those that are migrated at once, whose containers ask once, and may each use all.
  quotaCase('pods', '1', '2', migrated(3)),
  quotaCase('count/pods', '1', '2', migrated(3)),
  quotaCase('secrets', '1', '2', migrated(3)),
  quotaCase('count/secrets', '0', '1', migrated(1)),
  quotaCase('requests.cpu', '3999m', '4', migrated(3)),
  quotaCase('cpu', '1999m', '2', migrated(1)),
  quotaCase('requests.memory', '6143Mi', '6Gi', migrated(3)),
  quotaCase('memory', '3071Mi', '3Gi', migrated(1)),
  quotaCase('limits.cpu', '5999m', '6', migrated(3)),
  quotaCase('limits.memory', '16383Mi', '16Gi', migrated(3)),
  {
    // Three containers, where the boot is proved.
    ...quotaCase('limits.memory', '8Gi', '12Gi', {
      ...migrated(1),
      plan: { spec: { ...planOf([]).spec, bootProof: true } },
    }),
    says: ['limits.memory: 12.0 GiB needed'],
  },
  {
    // A VM starts once its worker pod is gone: they are not there together.
    ...quotaCase('pods', '1', '2', migrated(2, { startsAtTarget: true })),
    says: ['pods: 2 needed'],
  },
  {
    // What is done needs no worker pod any more.
    ...quotaCase('limits.memory', '1Gi', '1Gi', migrated(1)),
    not: { ...migrated(1, { isCopied: true, isConverted: true }), ...limited({ 'limits.memory': '1Gi' }) },
  },
  {
    ...quotaCase('limits.memory', '1Gi', '1Gi', migrated(1)),
    not: { ...migrated(1, { targetNamespace: 'lab' }), ...limited({ 'limits.memory': '1Gi' }) },
  },
  {
    // What a limit range gives to containers that say nothing themselves is added up, too.
    of: 'TargetQuotaExceeded',
    reason: 'NotEnoughLeft',
    items: ['vms/small'],
    says: ['limits.cpu: 4 needed'],
    raised: { cluster: { quotas: [quota({ 'limits.cpu': '3' })], ...containerDefault('2') } },
    not: { cluster: { quotas: [quota({ 'limits.cpu': '4' })], ...containerDefault('2') } },
  },
  ...(
    [
      ['Pod', { memory: '8191Mi' }, { memory: '8Gi' }, 'memory to 8191Mi, not 8.0 GiB'],
      ['Pod', { cpu: '2' }, { cpu: '3' }, 'cpu to 2, not 3'],
      ['Container', { memory: '4095Mi' }, { memory: '4Gi' }, 'memory to 4095Mi, not 4.0 GiB'],
      ['Container', { cpu: '1' }, { cpu: '1500m' }, 'cpu to 1, not 1.5'],
    ] as const
  ).map(([type, tooSmall, enough, says]): Case => ({
    of: 'TargetLimitExceeded',
    reason: 'WorkerPodTooLarge',
    items: ['vms/pods'],
    says: [says],
    raised: { ...migrated(1), cluster: podLimit(type, tooSmall) },
    not: { ...migrated(1), cluster: podLimit(type, enough) },
  })),
  {
    of: 'TargetLimitExceeded',
    reason: 'WorkerPodTooLarge',
    items: ['vms/pods'],
    raised: { ...migrated(1), cluster: podLimit('Pod', { cpu: '1' }) },
    not: { ...migrated(1, { targetNamespace: 'lab' }), cluster: podLimit('Pod', { cpu: '1' }) },
  },
  {
    // The VMs of the plan count together, with what is used already.
    of: 'TargetQuotaExceeded',
    reason: 'NotEnoughLeft',
    items: ['vms/small'],
    says: ['requests.storage: 2.0 GiB needed, 1Gi of 2Gi used'],
    raised: {
      vms: [{}, { vm: { id: 'vm-2', name: 'db' } }],
      ...limited({ 'requests.storage': '2Gi' }, { 'requests.storage': '1Gi' }),
    },
    not: {
      vms: [{}, { vm: { id: 'vm-2', name: 'db' }, targetNamespace: 'lab' }],
      ...limited({ 'requests.storage': '2Gi' }, { 'requests.storage': '1Gi' }),
    },
  },
  {
    // A file system takes a part of its volume, by default 6 %.
    of: 'TargetQuotaExceeded',
    reason: 'NotEnoughLeft',
    items: ['vms/small'],
    raised: {
      vms: [{ storage: pair('ReadWriteMany', 'Filesystem') }],
      cluster: {
        storageProfiles: [profile('fast', 'ReadWriteMany Filesystem')],
        quotas: [quota({ 'requests.storage': '1089Mi' })],
      },
    },
    not: {
      vms: [{ storage: pair('ReadWriteMany', 'Filesystem') }],
      cluster: {
        storageProfiles: [profile('fast', 'ReadWriteMany Filesystem')],
        cdiConfigs: [{ name: 'config', overhead: 0.5, overheadOf: new Map([['fast', 0.05]]) }],
        quotas: [quota({ 'requests.storage': '1089Mi' })],
      },
    },
  },
  {
    // What an earlier try has made is among what is used.
    of: 'TargetQuotaExceeded',
    reason: 'NotEnoughLeft',
    items: ['vms/small'],
    raised: {
      vms: [{ isRetried: true }],
      ...limited({ persistentvolumeclaims: '1' }, { persistentvolumeclaims: '1' }),
    },
    not: {
      vms: [{ isRetried: true }],
      cluster: {
        claims: [existingClaim('web-disk-0')],
        quotas: [quota({ persistentvolumeclaims: '1' }, { persistentvolumeclaims: '1' })],
      },
    },
  },
  {
    of: 'TargetQuotaExceeded',
    reason: 'NotEnoughLeft',
    items: ['vms/small'],
    raised: { vms: started, ...limited({ pods: '0' }) },
    not: { vms: started, cluster: { quotas: [{ ...quota({ pods: '0' }), isScoped: true }] } },
  },
  {
    of: 'TargetQuotaExceeded',
    reason: 'NotEnoughLeft',
    items: ['vms/small'],
    raised: { vms: started, ...limited({ pods: '0' }) },
    not: { vms: [{ isCopied: true, isConverted: true }], ...limited({ pods: '0' }) },
  },
  {
    of: 'TargetLimitExceeded',
    reason: 'SizeNotAllowed',
    items: ['web'],
    says: ["allows claims to 1023Mi, not 'web-disk-0' of 1.0 GiB"],
    raised: { cluster: limitRange({ max: '1023Mi' }) },
    not: { cluster: limitRange({ max: '1Gi' }) },
  },
  {
    of: 'TargetLimitExceeded',
    reason: 'SizeNotAllowed',
    items: ['web'],
    raised: { cluster: limitRange({ min: '2Gi' }) },
    // CDI's profile makes the claim as large as the class's smallest.
    not: {
      cluster: {
        ...limitRange({ min: '2Gi' }),
        storageProfiles: [{ ...profile('fast', 'ReadWriteMany Block'), minimumBytes: 2 * GiB }],
      },
    },
  },
  {
    of: 'TargetLimitExceeded',
    reason: 'SizeNotAllowed',
    items: ['web'],
    raised: { cluster: limitRange({ max: '1Mi' }) },
    not: { cluster: limitRange({ max: '1Mi' }, 'Container') },
  },
  {
    of: 'NoNodeTakesVMs',
    reason: 'NotSchedulable',
    items: ['prod'],
    raised: { cluster: { nodes: [node({ takesVms: false }), node({ isReady: false })] } },
    not: { cluster: { nodes: [node({ takesVms: false }), node()] } },
  },
  {
    of: 'VMLargerThanNodes',
    reason: 'TooLarge',
    items: ['web'],
    raised: { vms: [{ vm: { memory: { bytes: 64 * GiB, hotAdd: false } } }] },
    not: { vms: [{ vm: { memory: { bytes: 63 * GiB, hotAdd: false } } }] },
  },
  {
    // The ratio is the cluster's own.
    of: 'VMLargerThanNodes',
    reason: 'TooLarge',
    items: ['web'],
    raised: {
      vms: [{ vm: { cpu: { count: 17, coresPerSocket: 1, affinity: [], hotAdd: false } } }],
      cluster: { kubevirts: [kubevirt({ cpuAllocationRatio: 1 })] },
    },
    not: { vms: [{ vm: { cpu: { count: 17, coresPerSocket: 1, affinity: [], hotAdd: false } } }] },
  },
  ...[
    { storageClasses: [storageClass('fast', { isDefault: true })] },
    { storageClasses: [storageClass('fast', { isDefaultForVms: true })] },
    { kubevirts: [kubevirt({ vmStateStorageClass: 'fast' })] },
  ].map((cluster): Case => ({
    of: 'TPMStateHasNoStorage',
    reason: 'NoDefaultClass',
    items: ['web'],
    raised: { vms: [{ vm: { tpm: true } }] },
    not: { vms: [{ vm: { tpm: true } }], cluster },
  })),
  {
    // A VM that an earlier try has made is counted already.
    of: 'TargetQuotaExceeded',
    reason: 'NotEnoughLeft',
    items: ['vms/small'],
    raised: { vms: [{ isRetried: true }], cluster: { quotas: [full('count/virtualmachines.kubevirt.io')] } },
    not: {
      vms: [{ isRetried: true }],
      cluster: {
        vms: [existingVm({ name: 'web' })],
        quotas: [full('count/virtualmachines.kubevirt.io')],
      },
    },
  },
  {
    // A claim of the name that is not its own is another one.
    of: 'TargetQuotaExceeded',
    reason: 'NotEnoughLeft',
    items: ['vms/small'],
    raised: {
      cluster: { claims: [existingClaim('web-disk-0')], quotas: [full('persistentvolumeclaims')] },
    },
    not: {
      vms: [{ isRetried: true }],
      cluster: { claims: [existingClaim('web-disk-0')], quotas: [full('persistentvolumeclaims')] },
    },
  },
  {
    of: 'TargetQuotaExceeded',
    reason: 'NotEnoughLeft',
    items: ['vms/small'],
    raised: { cluster: { quotas: [full('persistentvolumeclaims')] } },
    not: { vms: [{ isCopied: true }], cluster: { quotas: [full('persistentvolumeclaims')] } },
  },
  {
    of: 'TargetQuotaExceeded',
    reason: 'NotEnoughLeft',
    items: ['vms/small'],
    raised: { cluster: { quotas: [full('persistentvolumeclaims')] } },
    not: { cluster: { quotas: [{ ...full('persistentvolumeclaims'), namespace: 'lab' }] } },
  },
  {
    of: 'TargetLimitExceeded',
    reason: 'SizeNotAllowed',
    items: ['web'],
    raised: { cluster: limitRange({ max: '1Mi' }) },
    not: { vms: [{ targetNamespace: 'lab' }], cluster: limitRange({ max: '1Mi' }) },
  },
  ...[{ tpm: true }, { nics: [nic({ kind: 'sriov' })] }].map((vm): Case => ({
    // What they add to the memory of the pod.
    of: 'TargetQuotaExceeded',
    reason: 'NotEnoughLeft',
    items: ['vms/small'],
    raised: { vms: started.map((each) => ({ ...each, vm })), ...limited({ memory: '1294Mi' }) },
    not: { vms: started, ...limited({ memory: '1294Mi' }) },
  })),
];
