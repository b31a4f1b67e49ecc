import { type KubeVirtSettings, type SourceVm, WorkerPods } from '@ledgerlift/contracts';
import { sourceDisk, sourceVm } from '@ledgerlift/testing';
import type { NetworkPair, PlanAtTarget, StoragePair, VmAtTarget } from '../../../plan.js';
import type { ClusterView, Gap } from '../../inventory/cluster-inventory.js';
import type { Claim, FreeVolume, KubeVirt, Node, Quota, VirtualMachine } from '../../inventory/kinds.js';
import type { Knowledge } from '../../inventory/resource-watch.js';
import { planAtTarget, vmAtTarget } from '../../../spec/plan-at-target.js';
import type { KubeVirtView } from '../../look.js';

export const GiB = 2 ** 30;

const worker: WorkerPods = WorkerPods.parse({
  image: 'registry.example.com/ledgerlift:1',
  natsUrl: 'nats://nats.example.com:4222',
  scratchStorageClass: 'fast',
});
/** Settings whose pods are made otherwise than the fixtures', too. */
export const settingsWith = (over: Partial<WorkerPods> | undefined): KubeVirtSettings => ({
  access: { kind: 'in-cluster' },
  namespaces: ['vms', 'lab'],
  ...(over === undefined ? {} : { worker: { ...worker, ...over } }),
});
export const settings = settingsWith({});

export const storagePair = (over: Partial<StoragePair['destination']> = {}): StoragePair => ({
  source: 'ova',
  destination: { storageClass: 'fast', ...over },
});
export const networkPair = (destination: NetworkPair['destination']): NetworkPair => ({
  source: 'VM Network',
  destination,
});
export const onVlan7 = networkPair({ type: 'multus', name: 'vlan7' });

export interface Placed extends Partial<Omit<VmAtTarget, 'vm'>> {
  readonly vm?: Partial<SourceVm>;
  readonly storage?: StoragePair;
  readonly network?: NetworkPair;
}

/** A VM `web` of the namespace `vms`, with one disk of 1 GiB on the class `fast` and one NIC on the pod network. */
export function placed({ vm, storage, network, ...over }: Placed = {}): VmAtTarget {
  const source = sourceVm({ disks: [sourceDisk(0)], ...vm });
  return vmAtTarget({
    vm: source,
    targetNamespace: 'vms',
    networkOf: source.nics.map(() => network ?? networkPair({ type: 'pod' })),
    storageOf: source.disks.map(() => storage ?? storagePair()),
    ...over,
  });
}

/** A plan for these VMs, whose pairs are all that the VMs use. */
export function planOf(vms: readonly VmAtTarget[], over: Partial<PlanAtTarget> = {}): PlanAtTarget {
  const used = <T>(pairs: readonly (T | undefined)[]): readonly T[] => [
    ...new Set(pairs.filter((pair) => pair !== undefined)),
  ];
  const mappings = {
    networks: used(vms.flatMap(({ networkOf }) => networkOf)),
    storages: used(vms.flatMap(({ storageOf }) => storageOf)),
  };
  return planAtTarget({ targetName: 'prod', vms, ...mappings, ...over }, { targetNamespace: 'vms' });
}

export const node = (over: Partial<Node> = {}): Node => ({
  name: 'n1',
  labels: {},
  isReady: true,
  takesVms: true,
  allocatable: { cores: 16, memoryBytes: 64 * GiB, pods: 110 },
  ...over,
});
export const instanceType = (
  over: Partial<ClusterView['instanceTypes'][number]> = {},
): ClusterView['instanceTypes'][number] => ({
  name: 'u1.small',
  namespace: '',
  cpus: 4,
  memoryBytes: 8 * GiB,
  cpuModel: undefined,
  nodeSelector: undefined,
  ...over,
});
export const kubevirt = (over: Partial<KubeVirt> = {}): KubeVirt => ({
  name: 'kubevirt',
  namespace: 'kubevirt',
  version: 'v1.8.0',
  phase: 'Deployed',
  featureGates: [],
  cpuAllocationRatio: undefined,
  vmStateStorageClass: undefined,
  ...over,
});
export const storageClass = (
  name: string,
  over: Partial<ClusterView['storageClasses'][number]> = {},
): ClusterView['storageClasses'][number] => ({
  name,
  provisioner: 'csi.example',
  volumeBindingMode: 'Immediate',
  allowVolumeExpansion: true,
  isDefault: false,
  isDefaultForVms: false,
  ...over,
});
/** @param modes such as `ReadWriteMany Block`, the preferred first */
export const profile = (
  name: string,
  ...modes: readonly string[]
): ClusterView['storageProfiles'][number] => ({
  name,
  claimPropertySets: modes.map((mode) => {
    const [accessMode = '', volumeMode = ''] = mode.split(' ');
    return { accessModes: [accessMode], volumeMode };
  }),
  minimumBytes: undefined,
});
export const quota = (hard: Quota['hard'], used: Quota['used'] = {}): Quota => ({
  name: 'small',
  namespace: 'vms',
  hard,
  used,
  isScoped: false,
});
/** A limit range of the namespace `vms` by which each container may use so much CPU, unless it says otherwise itself. */
export const containerDefault = (cpu: string): Pick<ClusterView, 'limitRanges'> => ({
  limitRanges: [
    {
      name: 'defaults',
      namespace: 'vms',
      limits: [{ type: 'Container', max: {}, min: {}, default: { cpu } }],
    },
  ],
});
export const existingVm = (over: Partial<VirtualMachine> = {}): VirtualMachine => ({
  name: 'other',
  namespace: 'vms',
  labels: {},
  runStrategy: 'Halted',
  status: 'Stopped',
  nics: [],
  ...over,
});
export const existingClaim = (name: string): Claim => ({
  name,
  namespace: 'vms',
  labels: {},
  storageClass: 'fast',
  accessModes: ['ReadWriteMany'],
  volumeMode: 'Block',
  requestedBytes: GiB,
  phase: 'Bound',
});
export const freeVolume = (name: string, bytes: number, over: Partial<FreeVolume> = {}): FreeVolume => ({
  name,
  storageClass: 'local',
  accessModes: ['ReadWriteOnce'],
  volumeMode: 'Block',
  bytes,
  ...over,
});
export const gap = (kind: Gap['kind'], knowledge: Exclude<Knowledge, { state: 'current' }>): Gap => ({
  kind,
  namespace: kind.scope === 'cluster' ? undefined : 'vms',
  what: kind.resource,
  knowledge,
});

/** A cluster against which nothing stands: of what is there, `over` says what is otherwise. */
export const cluster = (over: Partial<ClusterView> = {}): ClusterView => ({
  namespaces: ['vms', 'lab', 'default'].map((name) => ({ name, isEnding: false, podSecurity: undefined })),
  storageClasses: [storageClass('fast')],
  storageProfiles: [profile('fast', 'ReadWriteMany Block')],
  snapshotClasses: [],
  cdiConfigs: [],
  freeVolumes: [],
  serviceRanges: [{ name: 'kubernetes', cidrs: ['10.96.0.0/16', 'fd00:96::/112'] }],
  networks: [
    { name: 'vlan7', namespace: 'vms', resourceName: undefined },
    { name: 'shared', namespace: 'default', resourceName: undefined },
    { name: 'vfs', namespace: 'vms', resourceName: 'intel.com/vf' },
  ],
  nodes: [node()],
  kubevirts: [kubevirt()],
  clusterInstanceTypes: [],
  clusterPreferences: [],
  instanceTypes: [],
  preferences: [],
  quotas: [],
  limitRanges: [],
  vms: [],
  claims: [],
  gaps: [],
  ...over,
});

export const viewOf = (over: Partial<ClusterView> = {}): KubeVirtView => ({
  freeBytes: undefined,
  taken: new Map(),
  adopted: new Map(),
  cluster: cluster(over),
  missing: [],
});
