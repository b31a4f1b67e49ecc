import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Kubernetes, startKubernetes, until } from '@ledgerlift/testing';
import { type ApiResource, resources } from '../resources.js';
import { KubernetesConnection } from '../connection.js';
import { ClusterInventory, type ClusterView } from './cluster-inventory.js';
import { Named } from './kinds.js';
import { ResourceWatch } from './resource-watch.js';
import { Wire } from './spec/wire.js';

const times = { retryMs: [50, 200], installedMs: 100, silenceMs: 150_000 } as const;
const signal = AbortSignal.timeout(280_000);
const VMS = '/apis/kubevirt.io/v1/namespaces/vms/virtualmachines';
const NAMESPACES = '/api/v1/namespaces';

let kubernetes: Kubernetes;
beforeAll(async () => {
  kubernetes = await startKubernetes({ controllerManager: true });
  const { admin } = kubernetes;
  await admin.create(NAMESPACES, { metadata: { name: 'vms' } });
});
afterAll(async () => {
  await kubernetes.stop();
});

function connectionTo(url: string, to = kubernetes): KubernetesConnection {
  const { ca, cert, key } = to.admin.credentials;
  return new KubernetesConnection(() =>
    Promise.resolve({
      server: url,
      ca,
      serverName: undefined,
      token: undefined,
      clientCertificate: { cert, key },
      from: 'this test',
    }),
  );
}

async function makeVm(name: string, spec: object = { domain: { devices: {} } }): Promise<void> {
  await kubernetes.admin.create(VMS, {
    apiVersion: 'kubevirt.io/v1',
    kind: 'VirtualMachine',
    metadata: { name, namespace: 'vms', labels: { 'ledgerlift.io/vm': name } },
    spec: { runStrategy: 'Halted', template: { spec } },
  });
}

async function makeVolume(name: string, spec: object = {}): Promise<void> {
  const onNode = { key: 'kubernetes.io/hostname', operator: 'In', values: ['n1'] };
  await kubernetes.admin.create('/api/v1/persistentvolumes', {
    metadata: { name },
    spec: {
      capacity: { storage: '10Gi' },
      accessModes: ['ReadWriteOnce'],
      volumeMode: 'Block',
      storageClassName: 'local',
      local: { path: '/dev/sdb' },
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [onNode] }] } },
      ...spec,
    },
  });
}

describe('the inventory of a cluster', () => {
  it('has what a migration depends on', async () => {
    const { admin } = kubernetes;
    await admin.create('/apis/storage.k8s.io/v1/storageclasses', {
      metadata: { name: 'fast', annotations: { 'storageclass.kubevirt.io/is-default-virt-class': 'true' } },
      provisioner: 'csi.example',
      volumeBindingMode: 'WaitForFirstConsumer',
      allowVolumeExpansion: true,
    });
    const profiles = '/apis/cdi.kubevirt.io/v1beta1/storageprofiles';
    await admin.create(profiles, {
      apiVersion: 'cdi.kubevirt.io/v1beta1',
      kind: 'StorageProfile',
      metadata: { name: 'fast', annotations: { 'cdi.kubevirt.io/minimumSupportedPvcSize': '1Gi' } },
      spec: {},
    });
    const claimPropertySets = [{ accessModes: ['ReadWriteMany'], volumeMode: 'Block' }];
    await admin.patch(`${profiles}/fast/status`, { status: { claimPropertySets } });
    await admin.create('/apis/snapshot.storage.k8s.io/v1/volumesnapshotclasses', {
      apiVersion: 'snapshot.storage.k8s.io/v1',
      kind: 'VolumeSnapshotClass',
      metadata: { name: 'snaps' },
      driver: 'csi.example',
      deletionPolicy: 'Delete',
    });
    await admin.create('/apis/k8s.cni.cncf.io/v1/namespaces/default/network-attachment-definitions', {
      apiVersion: 'k8s.cni.cncf.io/v1',
      kind: 'NetworkAttachmentDefinition',
      metadata: { name: 'vlan7', annotations: { 'k8s.v1.cni.cncf.io/resourceName': 'intel.com/vf' } },
      spec: { config: '{}' },
    });
    await admin.create('/apis/cdi.kubevirt.io/v1beta1/cdiconfigs', {
      apiVersion: 'cdi.kubevirt.io/v1beta1',
      kind: 'CDIConfig',
      metadata: { name: 'config' },
      spec: {},
      status: { filesystemOverhead: { global: '0.055', storageClass: { fast: '0.1' } } },
    });
    await makeVolume('free');
    await makeVolume('meant-for-another', { claimRef: { namespace: 'vms', name: 'other' } });
    await admin.create('/api/v1/namespaces/vms/persistentvolumeclaims', {
      metadata: { name: 'web-disk-0', labels: { vmID: 'vm-1' } },
      spec: {
        storageClassName: 'fast',
        accessModes: ['ReadWriteMany'],
        volumeMode: 'Block',
        resources: { requests: { storage: '3Gi' } },
      },
    });
    await admin.create('/api/v1/namespaces/vms/resourcequotas', {
      metadata: { name: 'small' },
      spec: { hard: { 'requests.storage': '1Ti', pods: '10' } },
    });
    await admin.create('/api/v1/namespaces/vms/limitranges', {
      metadata: { name: 'claims' },
      spec: { limits: [{ type: 'PersistentVolumeClaim', max: { storage: '500Gi' } }] },
    });
    await admin.create('/api/v1/nodes', {
      metadata: { name: 'n1', labels: { 'kubevirt.io/schedulable': 'true' } },
    });
    await admin.patch('/api/v1/nodes/n1/status', {
      status: {
        allocatable: { cpu: '3500m', memory: '16Gi', pods: '110' },
        conditions: [{ type: 'Ready', status: 'True' }],
      },
    });
    const types = '/apis/instancetype.kubevirt.io/v1beta1';
    for (const [path, kind] of [
      ['virtualmachineclusterinstancetypes', 'VirtualMachineClusterInstancetype'],
      ['namespaces/vms/virtualmachineinstancetypes', 'VirtualMachineInstancetype'],
    ] as const)
      await admin.create(`${types}/${path}`, {
        apiVersion: 'instancetype.kubevirt.io/v1beta1',
        kind,
        metadata: { name: 'u1.small' },
        spec: { cpu: { guest: 1 }, memory: { guest: '2Gi' } },
      });
    for (const [path, kind] of [
      ['virtualmachineclusterpreferences', 'VirtualMachineClusterPreference'],
      ['namespaces/vms/virtualmachinepreferences', 'VirtualMachinePreference'],
    ] as const)
      await admin.create(`${types}/${path}`, {
        apiVersion: 'instancetype.kubevirt.io/v1beta1',
        kind,
        metadata: { name: 'rhel.9' },
        spec: {},
      });
    await admin.create(`${NAMESPACES}`, { metadata: { name: 'kubevirt' } });
    const kubevirts = '/apis/kubevirt.io/v1/namespaces/kubevirt/kubevirts';
    await admin.create(kubevirts, {
      apiVersion: 'kubevirt.io/v1',
      kind: 'KubeVirt',
      metadata: { name: 'kubevirt' },
      spec: {
        configuration: {
          developerConfiguration: { featureGates: ['Snapshot'], cpuAllocationRatio: 4 },
          vmStateStorageClass: 'fast',
        },
      },
    });
    await admin.patch(`${kubevirts}/kubevirt/status`, {
      status: { phase: 'Deployed', observedKubeVirtVersion: 'v1.8.0' },
    });
    await makeVm('web', {
      domain: {
        devices: {
          interfaces: [
            { name: 'net-0', masquerade: {}, macAddress: '00:50:56:00:00:01' },
            { name: 'net-1', bridge: {}, macAddress: '00:50:56:AA:BB:CC' },
          ],
        },
      },
      networks: [
        { name: 'net-0', pod: {} },
        { name: 'net-1', multus: { networkName: 'default/vlan7' } },
      ],
    });

    const connection = connectionTo(kubernetes.url);
    await using inventory = new ClusterInventory(connection, ['vms'], times);
    await inventory.known(signal);
    await until('the quota was counted', () => inventory.view().quotas[0]?.hard['pods'] !== undefined);
    await until('the free volume is seen', () => inventory.view().freeVolumes.length > 0);
    const view = inventory.view();
    expect(view.namespaces).toContainEqual({ name: 'vms', isEnding: false, podSecurity: undefined });
    expect(view).toMatchObject({
      gaps: [],
      storageClasses: [
        {
          name: 'fast',
          provisioner: 'csi.example',
          volumeBindingMode: 'WaitForFirstConsumer',
          allowVolumeExpansion: true,
          isDefault: false,
          isDefaultForVms: true,
        },
      ],
      storageProfiles: [{ name: 'fast', claimPropertySets, minimumBytes: 2 ** 30 }],
      cdiConfigs: [{ overhead: 0.055, overheadOf: new Map([['fast', 0.1]]) }],
      freeVolumes: [{ name: 'free', storageClass: 'local', volumeMode: 'Block', bytes: 10 * 2 ** 30 }],
      serviceRanges: [{ name: 'kubernetes', cidrs: ['10.96.0.0/16'] }],
      claims: [
        {
          name: 'web-disk-0',
          namespace: 'vms',
          labels: { vmID: 'vm-1' },
          storageClass: 'fast',
          accessModes: ['ReadWriteMany'],
          requestedBytes: 3 * 2 ** 30,
        },
      ],
      snapshotClasses: [{ name: 'snaps', driver: 'csi.example', deletionPolicy: 'Delete' }],
      networks: [{ name: 'vlan7', namespace: 'default', resourceName: 'intel.com/vf' }],
      quotas: [{ name: 'small', hard: { 'requests.storage': '1Ti', pods: '10' }, used: { pods: '0' } }],
      limitRanges: [
        { name: 'claims', limits: [{ type: 'PersistentVolumeClaim', max: { storage: '500Gi' } }] },
      ],
      nodes: [
        {
          name: 'n1',
          isReady: true,
          takesVms: true,
          allocatable: { cores: 3.5, memoryBytes: 16 * 2 ** 30, pods: 110 },
        },
      ],
      clusterInstanceTypes: [{ name: 'u1.small' }],
      instanceTypes: [{ name: 'u1.small', namespace: 'vms' }],
      clusterPreferences: [{ name: 'rhel.9' }],
      preferences: [{ name: 'rhel.9', namespace: 'vms' }],
      kubevirts: [
        {
          version: 'v1.8.0',
          phase: 'Deployed',
          featureGates: ['Snapshot'],
          cpuAllocationRatio: 4,
          vmStateStorageClass: 'fast',
        },
      ],
      vms: [
        {
          name: 'web',
          namespace: 'vms',
          runStrategy: 'Halted',
          nics: [{ network: 'default/vlan7', mac: '00:50:56:aa:bb:cc' }],
        },
      ],
    });
    await connection.close();
  });

  it('says of kinds that are not installed that they are not, and has them once they are', async () => {
    await using bare = await startKubernetes({ extras: 'none' });
    const connection = connectionTo(bare.url, bare);
    await using inventory = new ClusterInventory(connection, ['default'], times);
    await inventory.known(signal);
    const missing = ({ gaps }: ClusterView): readonly string[] =>
      gaps.filter(({ knowledge }) => knowledge.state === 'not-installed').map(({ what }) => what);
    expect(missing(inventory.view())).toEqual([
      'storageprofiles.cdi.kubevirt.io',
      'volumesnapshotclasses.snapshot.storage.k8s.io',
      'cdiconfigs.cdi.kubevirt.io',
      'network-attachment-definitions.k8s.cni.cncf.io',
      'kubevirts.kubevirt.io',
      'virtualmachineclusterinstancetypes.instancetype.kubevirt.io',
      'virtualmachineclusterpreferences.instancetype.kubevirt.io',
      'virtualmachineinstancetypes.instancetype.kubevirt.io',
      'virtualmachinepreferences.instancetype.kubevirt.io',
      'virtualmachines.kubevirt.io',
    ]);
    await bare.admin.create('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
      metadata: { name: 'network-attachment-definitions.k8s.cni.cncf.io' },
      spec: {
        group: 'k8s.cni.cncf.io',
        scope: 'Namespaced',
        names: {
          plural: 'network-attachment-definitions',
          singular: 'network-attachment-definition',
          kind: 'NetworkAttachmentDefinition',
        },
        versions: [
          { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } },
        ],
      },
    });
    await until(
      'networks are installed',
      () => !missing(inventory.view()).includes('network-attachment-definitions.k8s.cni.cncf.io'),
      60_000,
    );
    await connection.close();
  });

  it('says why it may not see a kind', async () => {
    const token = await kubernetes.admin.serviceAccount('vms', 'blind');
    const connection = new KubernetesConnection(() =>
      Promise.resolve({
        server: kubernetes.url,
        ca: kubernetes.ca,
        serverName: undefined,
        token,
        clientCertificate: undefined,
        from: 'this test',
      }),
    );
    await using inventory = new ClusterInventory(connection, ['vms'], times);
    await inventory.known(signal);
    const gap = inventory.view().gaps.find(({ what }) => what === 'nodes');
    expect(gap).toMatchObject({
      knowledge: { state: 'refused', error: { code: 'LL-KUB-003', verb: 'list' } },
    });
    await connection.close();
  });
});

describe('a watch', () => {
  const names = (watch: ResourceWatch<Named>): readonly string[] => watch.objects.map(({ name }) => name);

  /** A watch that runs until it is disposed of. */
  function watching(
    kind: ApiResource,
    url: string,
  ): { readonly watch: ResourceWatch<Named> } & AsyncDisposable {
    const connection = connectionTo(url);
    const watch = new ResourceWatch(connection, kind, Named, 'vms', times);
    const stop = new AbortController();
    const running = watch.run(stop.signal);
    const dispose = async (): Promise<void> => {
      stop.abort();
      await running;
      await connection.close();
    };
    return { watch, [Symbol.asyncDispose]: dispose };
  }

  it('sees what was changed while it was cut', async () => {
    await using wire = new Wire(Number(new URL(kubernetes.url).port));
    await using running = watching(resources.vms, await wire.url());
    const { watch } = running;
    await makeVm('leaves');
    await until('the first VM is seen', () => names(watch).includes('leaves'));
    wire.cut();
    await until('the cut is noticed', () => watch.knowledge.state === 'stale');
    await makeVm('comes');
    await kubernetes.admin.remove(`${VMS}/leaves`);
    expect(names(watch)).toContain('leaves');
    wire.mend();
    await until(
      'both changes are seen',
      () => names(watch).includes('comes') && !names(watch).includes('leaves'),
    );
    expect(watch.knowledge).toEqual({ state: 'current' });
  });

  it('lists again what it can no longer continue, after the API server was restarted', async () => {
    await using wire = new Wire(Number(new URL(kubernetes.url).port));
    await using running = watching(resources.vms, await wire.url());
    const { watch } = running;
    await makeVm('early');
    await until('the first VM is seen', () => names(watch).includes('early'));
    wire.cut();
    await kubernetes.admin.remove(`${VMS}/early`);
    await makeVm('late');
    // A server that has just started knows no version but that which it began with.
    await kubernetes.restart();
    await kubernetes.admin.call(VMS);
    wire.mend();
    await until(
      'both changes are seen',
      () => names(watch).includes('late') && !names(watch).includes('early'),
      60_000,
    );
    await makeVm('later');
    await until('it goes on', () => names(watch).includes('later'));
  });

  it('lists more than a page', async () => {
    const { admin } = kubernetes;
    await Promise.all(
      Array.from({ length: 501 }, (_, index) =>
        admin.create('/api/v1/namespaces/vms/secrets', {
          metadata: { name: `s${String(index).padStart(3, '0')}` },
        }),
      ),
    );
    await using running = watching(resources.secrets, kubernetes.url);
    const { watch } = running;
    await watch.known(signal);
    expect(names(watch)).toHaveLength(501);
    expect(names(watch).at(-1)).toBe('s500');
  });
});
