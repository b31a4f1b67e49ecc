import { sourceDisk } from '@ledgerlift/testing';
import { KubernetesForbidden } from '../../errors.js';
import { needs } from '../../permissions/roles.js';
import { resources } from '../../resources.js';
import { type Case, unreachable, unknownCase, pair } from './case.js';
import {
  type Placed,
  containerDefault,
  gap,
  onVlan7,
  planOf,
  profile,
  quota,
  settings,
  settingsWith,
  storageClass,
  storagePair,
} from './fixtures.js';

const forbidden = new KubernetesForbidden('https://api', 'list', 'nodes', '', undefined);
const listNodes = needs.filter(({ verb, kind }) => verb === 'list' && kind === resources.nodes);
const local = {
  storageClasses: [storageClass('local', { provisioner: 'kubernetes.io/no-provisioner' })],
  storageProfiles: [profile('local', 'ReadWriteOnce Block')],
};
const twoOnLocal: readonly Placed[] = [
  { vm: { disks: [sourceDisk(0), sourceDisk(1)] }, storage: storagePair({ storageClass: 'local' }) },
];
const guestAt = (ip: string): readonly Placed[] => [
  {
    vm: {
      guest: {
        tools: 'running',
        nics: [{ mac: '00:50:56:aa:bb:cc', addresses: [{ ip, prefix: 16 }], dns: [] }],
        routes: [],
      },
    },
  },
];

export const placeCases: readonly Case[] = [
  {
    of: 'WorkerPodsNotValid',
    reason: 'NotConfigured',
    items: ['prod'],
    raised: { settings: settingsWith(undefined) },
    not: {},
  },
  {
    of: 'WorkerPodsNotValid',
    reason: 'ScratchStorageNotFound',
    items: ['slow'],
    raised: { settings: settingsWith({ scratchStorageClass: 'slow' }) },
    not: { settings: settingsWith({ scratchStorageClass: 'fast' }) },
  },
  {
    of: 'WorkerPodsNotValid',
    reason: 'LimitMissing',
    items: ['vms/small'],
    says: ['counts limits.cpu'],
    raised: { cluster: { quotas: [quota({ 'limits.cpu': '100' })] } },
    not: {
      settings: settingsWith({ limits: { cpu: '2', memory: '4Gi' } }),
      cluster: { quotas: [quota({ 'limits.cpu': '100' })] },
    },
  },
  {
    of: 'WorkerPodsNotValid',
    reason: 'LimitMissing',
    items: ['vms/small'],
    raised: { cluster: { quotas: [quota({ 'limits.cpu': '100' })] } },
    // A limit range gives containers one.
    not: { cluster: { quotas: [quota({ 'limits.cpu': '100' })], ...containerDefault('2') } },
  },
  {
    of: 'WorkerPodsNotValid',
    reason: 'LimitMissing',
    items: ['vms/small'],
    raised: { cluster: { quotas: [quota({ 'limits.cpu': '100' })] } },
    not: {
      cluster: {
        quotas: [
          { ...quota({ 'limits.cpu': '100' }), namespace: 'lab' },
          { ...quota({ 'limits.cpu': '100' }), isScoped: true },
          quota({ 'limits.memory': '100Gi' }),
        ],
      },
    },
  },
  unknownCase('WorkerPodsNotValid', 'ScratchStorageNotFound', ['slow'], resources.storageClasses, {
    settings: settingsWith({ scratchStorageClass: 'slow' }),
  }),
  {
    of: 'TransferNetworkNotValid',
    reason: 'NotFound',
    items: ['vms/wan'],
    raised: { settings: settingsWith({ transferNetwork: { name: 'wan' } }) },
    not: { settings: settingsWith({ transferNetwork: { name: 'vlan7' } }) },
  },
  {
    // What is not known of a namespace matters to plans for that namespace.
    of: 'TargetNotKnown',
    reason: 'NotRead',
    items: ['persistentvolumeclaims'],
    raised: { cluster: { gaps: [gap(resources.claims, { state: 'unknown' })] } },
    not: {
      vms: [{ targetNamespace: 'lab' }],
      cluster: { gaps: [gap(resources.claims, { state: 'unknown' })] },
    },
  },
  unknownCase('NamespaceNotValid', 'NotFound', ['vms'], resources.namespaces, {
    cluster: { namespaces: [] },
  }),
  {
    of: 'NamespaceNotValid',
    reason: 'NotAllowed',
    items: ['lab'],
    says: ["'lab'", "'prod', only vms"],
    raised: { settings: { ...settings, namespaces: ['vms'] }, vms: [{ targetNamespace: 'lab' }] },
    not: { vms: [{ targetNamespace: 'lab' }] },
  },
  {
    of: 'NamespaceNotValid',
    reason: 'NotFound',
    items: ['vms'],
    raised: { cluster: { namespaces: [] } },
    not: {},
  },
  {
    of: 'NamespaceNotValid',
    reason: 'Ending',
    items: ['vms'],
    raised: { cluster: { namespaces: [{ name: 'vms', isEnding: true, podSecurity: undefined }] } },
    not: {},
  },
  {
    of: 'RestrictedPodSecurity',
    reason: 'Restricted',
    items: ['vms'],
    raised: { cluster: { namespaces: [{ name: 'vms', isEnding: false, podSecurity: 'restricted' }] } },
    not: { cluster: { namespaces: [{ name: 'vms', isEnding: false, podSecurity: 'privileged' }] } },
  },
  {
    of: 'TargetRightsMissing',
    reason: 'Forbidden',
    items: ['list nodes in the whole cluster'],
    says: ["at 'prod' the account may not list nodes in the whole cluster"],
    raised: { view: { missing: listNodes.map((need) => ({ need, namespace: undefined })) } },
    not: {},
  },
  {
    of: 'TargetNotKnown',
    reason: 'NotRead',
    items: ['nodes'],
    says: ['could not read nodes (https://api did not answer'],
    raised: { cluster: { gaps: [gap(resources.nodes, { state: 'refused', error: unreachable })] } },
    not: {},
  },
  {
    of: 'TargetNotKnown',
    reason: 'NotRead',
    items: ['nodes'],
    raised: { cluster: { gaps: [gap(resources.nodes, { state: 'refused', error: forbidden })] } },
    // What follows from a missing right is said once.
    not: {
      cluster: { gaps: [gap(resources.nodes, { state: 'refused', error: forbidden })] },
      view: { missing: listNodes.map((need) => ({ need, namespace: undefined })) },
    },
  },
  {
    of: 'TargetNotKnown',
    reason: 'NotInstalled',
    items: ['network-attachment-definitions'],
    raised: {
      vms: [{ network: onVlan7 }],
      cluster: { networks: [], gaps: [gap(resources.networks, { state: 'not-installed' })] },
    },
    not: { cluster: { networks: [], gaps: [gap(resources.networks, { state: 'not-installed' })] } },
  },
  {
    of: 'TargetNotKnown',
    reason: 'NotRead',
    items: ['storageprofiles'],
    raised: {
      cluster: { storageProfiles: [], gaps: [gap(resources.storageProfiles, { state: 'unknown' })] },
    },
    not: {
      vms: [{ storage: pair('ReadWriteMany', 'Block') }],
      cluster: { storageProfiles: [], gaps: [gap(resources.storageProfiles, { state: 'unknown' })] },
    },
  },
  {
    of: 'TargetNotKnown',
    reason: 'NotRead',
    items: ['persistentvolumes'],
    raised: { vms: twoOnLocal, cluster: { ...local, gaps: [gap(resources.volumes, { state: 'unknown' })] } },
    not: { cluster: { gaps: [gap(resources.volumes, { state: 'unknown' })] } },
  },
  {
    of: 'TargetViewOutdated',
    reason: 'Stale',
    items: ['virtualmachines'],
    says: ['the wire was cut'],
    raised: { cluster: { gaps: [gap(resources.vms, { state: 'stale', why: 'the wire was cut' })] } },
    not: { cluster: { gaps: [gap(resources.preferences, { state: 'stale', why: 'the wire was cut' })] } },
  },
  {
    of: 'VMAlreadyExists',
    reason: 'NotUnique',
    items: ['web'],
    raised: { view: { taken: new Map([['vms/web', 'a VM has that name']]) } },
    not: { view: { taken: new Map([['vms/db', 'a VM has that name']]) } },
  },
  {
    of: 'AddressInServiceRange',
    reason: 'Guest',
    items: ['web'],
    says: ["10.96.3.4 of 'web' is in the service range, 10.96.0.0/16"],
    raised: { vms: guestAt('10.96.3.4') },
    not: { vms: guestAt('10.97.3.4') },
  },
  {
    of: 'AddressInServiceRange',
    reason: 'Guest',
    items: ['web'],
    raised: { vms: guestAt('fd00:96::7') },
    // A cluster that does not say its range.
    not: { vms: guestAt('fd00:96::7'), cluster: { serviceRanges: [] } },
  },
  {
    of: 'AddressInServiceRange',
    reason: 'Source',
    items: ['10.96.0.9'],
    raised: { plan: { sourceHosts: ['vc.example.com', '10.96.0.9'] } },
    not: { plan: { sourceHosts: ['vc.example.com', '10.0.0.9'] } },
  },
  {
    of: 'MissingPvcForOnlyConversion',
    reason: 'NotFound',
    items: ['web'],
    raised: {
      plan: { spec: { ...planOf([]).spec, type: 'conversion' } },
      view: {
        adopted: new Map([['vm-1', { disks: [], problems: [{ reason: 'NotFound', message: 'gone' }] }]]),
      },
    },
    not: {
      view: {
        adopted: new Map([['vm-1', { disks: [], problems: [{ reason: 'NotFound', message: 'gone' }] }]]),
      },
    },
  },
];
