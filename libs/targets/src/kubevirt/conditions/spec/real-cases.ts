import { sourceDisk, until } from '@ledgerlift/testing';
import type { PlanAtTarget } from '../../../plan.js';
import { type Placed, GiB, networkPair, onVlan7, placed, planOf, storagePair } from './fixtures.js';
import {
  type Change,
  type RealCluster,
  type Undo,
  CLASSES,
  DEFAULT_CLASS,
  INSTANCE_TYPES,
  NADS,
  NAMESPACES,
  NODE,
  PREFERENCES,
  PROFILES,
  VF,
  VOLUMES,
  made,
  offering,
  patched,
  without,
} from './real-cluster.js';

const VMS = '/apis/kubevirt.io/v1/namespaces/vms/virtualmachines';
const DEFINITION =
  '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/network-attachment-definitions.k8s.cni.cncf.io';

/** What raises a condition at a real cluster, and what does not. */
export interface RealCase {
  readonly of: string;
  readonly reason: string;
  readonly items: readonly string[];
  readonly plan: PlanAtTarget;
  /** What is changed in the cluster to raise it, where the plan alone does not. */
  readonly change?: Change;
  /** A plan for which it is not raised, where that is not for a change. */
  readonly clean?: PlanAtTarget;
}

export const one = (vm: Placed = {}): PlanAtTarget => planOf([placed(vm)]);
const [first] = placed().vm.nics;
if (first === undefined) throw new Error('the fixture has a NIC');
const nic = first;
const guest = (ip: string): Placed => ({
  vm: {
    guest: {
      tools: 'running',
      nics: [{ mac: '00:50:56:aa:bb:cc', addresses: [{ ip, prefix: 24 }], dns: [] }],
      routes: [],
    },
  },
});
const vmOnVlan7 = (name: string) => ({
  apiVersion: 'kubevirt.io/v1',
  kind: 'VirtualMachine',
  metadata: { name, namespace: 'vms' },
  spec: {
    runStrategy: 'Halted',
    template: {
      spec: {
        domain: {
          memory: { guest: '64Mi' },
          devices: { interfaces: [{ name: 'net-0', bridge: {}, macAddress: '00:50:56:aa:bb:cc' }] },
        },
        networks: [{ name: 'net-0', multus: { networkName: 'vlan7' } }],
      },
    },
  },
});
const serviceRange = made('/apis/networking.k8s.io/v1/servicecidrs', {
  metadata: { name: 'more' },
  ...{
    apiVersion: 'networking.k8s.io/v1',
    kind: 'ServiceCIDR',
    spec: { cidrs: ['172.30.0.0/24'] },
  },
});
const limit = (limits: object) =>
  made(`${NAMESPACES}/vms/limitranges`, {
    metadata: { name: 'claims' },
    ...{ spec: { limits: [{ type: 'PersistentVolumeClaim', ...limits }] } },
  });
const onLocal = storagePair({ storageClass: 'local' });

/** A namespace that ends only once its content may. */
async function ending(cluster: RealCluster): Promise<Undo> {
  const { admin } = cluster;
  const path = `${NAMESPACES}/ending`;
  await admin.create(`${path}/configmaps`, {
    metadata: { name: 'held', finalizers: ['example.com/held'] },
  });
  await admin.remove(path);
  return async () => {
    await admin.patch(`${path}/configmaps/held`, { metadata: { finalizers: null } });
    await until('the namespace has ended', () => cluster.isGone(path));
    await admin.create(NAMESPACES, { metadata: { name: 'ending' } });
  };
}

async function withoutMultus(cluster: RealCluster): Promise<Undo> {
  const { admin } = cluster;
  const { spec } = await admin.call<{ readonly spec: object }>(DEFINITION);
  await admin.remove(DEFINITION);
  return async () => {
    await until('the definition is gone', () => cluster.isGone(DEFINITION));
    const [collection, name] = [
      DEFINITION.slice(0, DEFINITION.lastIndexOf('/')),
      DEFINITION.split('/').at(-1),
    ];
    await admin.create(collection, { metadata: { name }, spec });
    await until('networks are served', async () => !(await cluster.isGone(NADS)));
    await cluster.makeNetworks();
  };
}

export const realCases: readonly RealCase[] = [
  {
    of: 'NamespaceNotValid',
    reason: 'NotAllowed',
    items: ['default'],
    plan: one({ targetNamespace: 'default' }),
    clean: one({ targetNamespace: 'lab' }),
  },
  {
    of: 'NamespaceNotValid',
    reason: 'NotFound',
    items: ['lab'],
    plan: one({ targetNamespace: 'lab' }),
    change: without(NAMESPACES, 'lab'),
  },
  {
    of: 'NamespaceNotValid',
    reason: 'Ending',
    items: ['ending'],
    plan: one({ targetNamespace: 'ending' }),
    change: ending,
  },
  {
    of: 'RestrictedPodSecurity',
    reason: 'Restricted',
    items: ['vms'],
    plan: one(),
    change: patched(
      `${NAMESPACES}/vms`,
      { metadata: { labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } } },
      { metadata: { labels: { 'pod-security.kubernetes.io/enforce': null } } },
    ),
  },
  {
    of: 'DestinationNetworkNotValid',
    reason: 'NotFound',
    items: ['multus vms/vlan7'],
    plan: one({ network: onVlan7 }),
    change: without(NADS, 'vlan7'),
  },
  {
    of: 'NetMapDestinationNADNotValid',
    reason: 'NamespaceNotAllowed',
    items: ['vms/vlan7'],
    plan: one({
      targetNamespace: 'lab',
      network: networkPair({ type: 'multus', name: 'vlan7', namespace: 'vms' }),
    }),
    clean: one({ network: networkPair({ type: 'multus', name: 'vlan7', namespace: 'vms' }) }),
  },
  {
    of: 'VMNicKindNotSupported',
    reason: 'KindNotAllowed',
    items: ['web'],
    plan: one({
      vm: { nics: [{ ...nic, kind: 'sriov' }] },
      network: networkPair({ type: 'multus', name: 'vfs' }),
    }),
    change: patched(
      `${NADS}/vfs`,
      { metadata: { annotations: { [VF]: null } } },
      { metadata: { annotations: { [VF]: 'intel.com/vf' } } },
    ),
  },
  {
    of: 'VMMultiplePodNetworkMappings',
    reason: 'TooMany',
    items: ['web'],
    plan: one({ vm: { nics: [nic, { ...nic, id: 'nic-1' }] } }),
    clean: one(),
  },
  {
    of: 'MacConflicts',
    reason: 'NotUnique',
    items: ['web'],
    plan: one({ network: onVlan7 }),
    change: made(VMS, vmOnVlan7('other')),
  },
  {
    of: 'VMAlreadyExists',
    reason: 'NotUnique',
    items: ['web'],
    plan: one(),
    change: made(VMS, vmOnVlan7('web')),
  },
  {
    of: 'VMAlreadyExists',
    reason: 'NotUnique',
    items: ['web'],
    plan: one(),
    change: made(`${NAMESPACES}/vms/persistentvolumeclaims`, {
      metadata: { name: 'web-disk-0' },
      ...{ spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } },
    }),
  },
  {
    of: 'DestinationStorageNotValid',
    reason: 'NotFound',
    items: ['fast'],
    plan: one(),
    change: without(CLASSES, 'fast'),
  },
  {
    of: 'DestinationStorageNotValid',
    reason: 'ModesNotKnown',
    items: ['fast'],
    plan: one(),
    change: async (cluster) => {
      await cluster.admin.patch(`${PROFILES}/fast/status`, { status: { claimPropertySets: [] } });
      return () => cluster.offer('fast', 'ReadWriteMany');
    },
  },
  {
    of: 'DestinationStorageNotValid',
    reason: 'AccessModeNotOffered',
    items: ['fast'],
    plan: one({ storage: storagePair({ accessMode: 'ReadWriteMany' }) }),
    change: offering('ReadWriteOnce'),
  },
  {
    of: 'DestinationStorageNotValid',
    reason: 'VolumeModeNotOffered',
    items: ['fast'],
    plan: one({ storage: storagePair({ accessMode: 'ReadWriteMany', volumeMode: 'Block' }) }),
    change: offering('ReadWriteMany', 'Filesystem'),
  },
  {
    of: 'VMNotLiveMigratable',
    reason: 'NotReadWriteMany',
    items: ['web'],
    plan: one(),
    change: offering('ReadWriteOnce'),
  },
  {
    of: 'SharedDiskNotSharable',
    reason: 'NotReadWriteMany',
    items: ['web'],
    plan: one({ vm: { disks: [sourceDisk(0, { shared: true })] } }),
    change: offering('ReadWriteOnce'),
  },
  {
    of: 'TargetVolumesMissing',
    reason: 'NotEnough',
    items: ['local'],
    plan: one({ storage: onLocal }),
    change: without(VOLUMES, 'disk-of-n1'),
  },
  {
    of: 'TargetLimitExceeded',
    reason: 'SizeNotAllowed',
    items: ['web'],
    plan: one(),
    change: limit({ max: { storage: '1023Mi' } }),
  },
  {
    of: 'TargetLimitExceeded',
    reason: 'SizeNotAllowed',
    items: ['web'],
    plan: one(),
    change: limit({ min: { storage: '1025Mi' } }),
  },
  {
    of: 'NoNodeTakesVMs',
    reason: 'NotSchedulable',
    items: ['prod'],
    plan: one(),
    change: patched(NODE, { spec: { unschedulable: true } }, { spec: { unschedulable: null } }),
  },
  {
    of: 'VMLargerThanNodes',
    reason: 'TooLarge',
    items: ['web'],
    plan: one({ vm: { memory: { bytes: 2 * GiB, hotAdd: false } } }),
    change: async (cluster) => {
      await cluster.nodeIsReady('2Gi');
      return () => cluster.nodeIsReady();
    },
  },
  {
    of: 'TPMStateHasNoStorage',
    reason: 'NoDefaultClass',
    items: ['web'],
    plan: one({ vm: { tpm: true } }),
    change: patched(
      `${CLASSES}/fast`,
      { metadata: { annotations: { [DEFAULT_CLASS]: null } } },
      { metadata: { annotations: { [DEFAULT_CLASS]: 'true' } } },
    ),
  },
  {
    of: 'AddressInServiceRange',
    reason: 'Guest',
    items: ['web'],
    plan: one(guest('172.30.0.9')),
    change: serviceRange,
  },
  {
    of: 'AddressInServiceRange',
    reason: 'Source',
    items: ['172.30.0.9'],
    plan: { ...one(), sourceHosts: ['172.30.0.9'] },
    change: serviceRange,
  },
  {
    of: 'InstanceTypeNotValid',
    reason: 'NotFound',
    items: ['web'],
    plan: one({ machine: { instanceType: { name: 'large', kind: 'VirtualMachineClusterInstancetype' } } }),
    change: without(INSTANCE_TYPES, 'large'),
  },
  {
    of: 'InstanceTypeNotValid',
    reason: 'NotFound',
    items: ['web'],
    plan: one({ machine: { instanceType: { name: 'large', kind: 'VirtualMachineInstancetype' } } }),
    clean: one({ machine: { instanceType: { name: 'own', kind: 'VirtualMachineInstancetype' } } }),
  },
  {
    of: 'InstanceTypeNotValid',
    reason: 'Conflict',
    items: ['web'],
    plan: one({
      machine: {
        cpuModel: 'host-model',
        instanceType: { name: 'large', kind: 'VirtualMachineClusterInstancetype' },
      },
    }),
    change: patched(
      `${INSTANCE_TYPES}/large`,
      { spec: { cpu: { model: 'Cascadelake-Server' } } },
      { spec: { cpu: { model: null } } },
    ),
  },
  {
    of: 'InstanceTypeSmaller',
    reason: 'TooSmall',
    items: ['web'],
    plan: one({
      vm: { memory: { bytes: 2 * GiB, hotAdd: false } },
      machine: { instanceType: { name: 'large', kind: 'VirtualMachineClusterInstancetype' } },
    }),
    change: patched(
      `${INSTANCE_TYPES}/large`,
      { spec: { memory: { guest: '2047Mi' } } },
      { spec: { memory: { guest: '8Gi' } } },
    ),
  },
  {
    of: 'PreferenceNotValid',
    reason: 'NotFound',
    items: ['web'],
    plan: one({ machine: { preference: { name: 'rhel', kind: 'VirtualMachineClusterPreference' } } }),
    change: without(PREFERENCES, 'rhel'),
  },
  {
    of: 'NodeSelectorMatchesNone',
    reason: 'NoSuchLabels',
    items: ['web'],
    plan: one({ machine: { targetNodeSelector: { 'kubevirt.io/schedulable': 'true', zone: 'a' } } }),
    clean: one({ machine: { targetNodeSelector: { 'kubevirt.io/schedulable': 'true' } } }),
  },
  {
    of: 'TargetNotKnown',
    reason: 'NotInstalled',
    items: ['network-attachment-definitions.k8s.cni.cncf.io'],
    plan: one({ network: onVlan7 }),
    change: withoutMultus,
  },
];
