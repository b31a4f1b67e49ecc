import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Condition, KubeVirtSettings } from '@ledgerlift/contracts';
import {
  type Kubernetes,
  type TemporaryFolder,
  startKubernetes,
  temporaryFolder,
  until,
} from '@ledgerlift/testing';
import type { PlanAtTarget, TargetUse } from '../../../plan.js';
import { OpenInventories } from '../../inventory/cluster-inventory.js';
import { look } from '../../look.js';
import { conditions } from '../index.js';
import { settings as fixtures } from './fixtures.js';

export const NAMESPACES = '/api/v1/namespaces';
export const NADS = '/apis/k8s.cni.cncf.io/v1/namespaces/vms/network-attachment-definitions';
export const CLASSES = '/apis/storage.k8s.io/v1/storageclasses';
export const PROFILES = '/apis/cdi.kubevirt.io/v1beta1/storageprofiles';
export const VOLUMES = '/api/v1/persistentvolumes';
const MACHINES = '/apis/instancetype.kubevirt.io/v1beta1';
export const INSTANCE_TYPES = `${MACHINES}/virtualmachineclusterinstancetypes`;
export const PREFERENCES = `${MACHINES}/virtualmachineclusterpreferences`;
export const NODE = '/api/v1/nodes/n1';
export const DEFAULT_CLASS = 'storageclass.kubernetes.io/is-default-class';
export const VF = 'k8s.v1.cni.cncf.io/resourceName';

const settings: KubeVirtSettings = {
  access: { kind: 'kubeconfig' },
  namespaces: ['vms', 'lab', 'ending'],
  worker: fixtures.worker,
};
const target = { settings, secret: { name: 'admin' } };
const nobody: TargetUse = { places: new Map(), disks: new Map() };
const times = { retryMs: [50, 200], installedMs: 100, silenceMs: 150_000 } as const;

export type Undo = () => Promise<unknown>;
/** What is changed in a cluster. @returns what puts it right again */
export type Change = (cluster: RealCluster) => Promise<Undo>;
interface Existing {
  readonly metadata: { readonly name: string; readonly annotations?: object; readonly labels?: object };
  readonly status?: unknown;
}

const volume = {
  metadata: { name: 'disk-of-n1' },
  spec: {
    capacity: { storage: '2Gi' },
    accessModes: ['ReadWriteOnce'],
    volumeMode: 'Block',
    storageClassName: 'local',
    local: { path: '/dev/sdb' },
    nodeAffinity: {
      required: {
        nodeSelectorTerms: [
          { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['n1'] }] },
        ],
      },
    },
  },
};

/** A real API server with all that a plan of one VM needs: against that plan nothing stands there. */
export class RealCluster {
  readonly #kubernetes: Kubernetes;
  readonly #folder: TemporaryFolder;
  readonly #options = { inventories: new OpenInventories({ times }), limitMs: 60_000 };

  private constructor(kubernetes: Kubernetes, folder: TemporaryFolder) {
    this.#kubernetes = kubernetes;
    this.#folder = folder;
  }

  static async start(): Promise<RealCluster> {
    const kubernetes = await startKubernetes({ extras: 'admission', controllerManager: true });
    const folder = temporaryFolder('conditions');
    await mkdir(folder.file('admin'));
    await writeFile(join(folder.file('admin'), 'kubeconfig'), await kubernetes.kubeconfig());
    process.env['LEDGERLIFT_SECRETS_DIR'] = folder.path;
    const cluster = new RealCluster(kubernetes, folder);
    await cluster.#fill();
    return cluster;
  }

  get admin(): Kubernetes['admin'] {
    return this.#kubernetes.admin;
  }

  async #fill(): Promise<void> {
    const { admin } = this;
    for (const name of settings.namespaces) await admin.create(NAMESPACES, { metadata: { name } });
    for (const [name, provisioner, annotations] of [
      ['fast', 'csi.example', { [DEFAULT_CLASS]: 'true' }],
      ['local', 'kubernetes.io/no-provisioner', {}],
    ] as const) {
      await admin.create(CLASSES, { metadata: { name, annotations }, provisioner });
      await admin.create(PROFILES, {
        apiVersion: 'cdi.kubevirt.io/v1beta1',
        kind: 'StorageProfile',
        metadata: { name },
        spec: {},
      });
    }
    await this.offer('fast', 'ReadWriteMany');
    await this.offer('local', 'ReadWriteOnce');
    await admin.create(VOLUMES, volume);
    await this.#makeMachines();
    await this.makeNetworks();
    await admin.create('/api/v1/nodes', {
      metadata: { name: 'n1', labels: { 'kubevirt.io/schedulable': 'true' } },
    });
    await this.nodeIsReady();
  }

  async #makeMachines(): Promise<void> {
    const make = (collection: string, kind: string, name: string, spec: object): Promise<unknown> =>
      this.admin.create(collection, {
        ...{ apiVersion: 'instancetype.kubevirt.io/v1beta1', kind, spec },
        metadata: { name },
      });
    const spec = { cpu: { guest: 4 }, memory: { guest: '8Gi' } };
    await make(INSTANCE_TYPES, 'VirtualMachineClusterInstancetype', 'large', spec);
    const own = `${MACHINES}/namespaces/vms/virtualmachineinstancetypes`;
    await make(own, 'VirtualMachineInstancetype', 'own', spec);
    await make(PREFERENCES, 'VirtualMachineClusterPreference', 'rhel', {});
  }

  /** Has the profile of a class offer these modes, and no others. */
  offer(storageClass: string, accessMode: string, volumeMode = 'Block'): Promise<unknown> {
    return this.admin.patch(`${PROFILES}/${storageClass}/status`, {
      status: { claimPropertySets: [{ accessModes: [accessMode], volumeMode }] },
    });
  }

  async makeNetworks(): Promise<void> {
    for (const [name, annotations] of [
      ['vlan7', {}],
      ['vfs', { [VF]: 'intel.com/vf' }],
    ] as const)
      await this.admin.create(NADS, {
        apiVersion: 'k8s.cni.cncf.io/v1',
        kind: 'NetworkAttachmentDefinition',
        metadata: { name, annotations },
        spec: { config: '{}' },
      });
  }

  /** A controller takes a node of which it hears nothing for lost, so this is said again before a node matters. */
  nodeIsReady(memory = '64Gi'): Promise<unknown> {
    const now = new Date().toISOString();
    const conditions = [{ type: 'Ready', status: 'True', lastHeartbeatTime: now, lastTransitionTime: now }];
    return this.admin.patch(`${NODE}/status`, {
      status: { allocatable: { cpu: '16', memory, pods: '110' }, conditions },
    });
  }

  /** What stands against a plan as the cluster is now. @throws where something hinders to look at it at all */
  async judged(plan: PlanAtTarget): Promise<readonly Condition[]> {
    const { problems, view } = await look(target, plan, nobody, this.#options);
    if (problems.length > 0) throw new Error(problems.map(({ message }) => message).join('\n'));
    return conditions(target, plan, view);
  }

  async isGone(path: string): Promise<boolean> {
    return this.admin.call(path).then(
      () => false,
      () => true,
    );
  }

  async stop(): Promise<void> {
    await this.#options.inventories.close();
    await this.#kubernetes.stop();
    await this.#folder.remove();
  }
}

/** Makes an object. */
export const made =
  (collection: string, body: { readonly metadata: { readonly name: string } }): Change =>
  async ({ admin }) => {
    await admin.create(collection, body);
    return () => admin.remove(`${collection}/${body.metadata.name}`);
  };

export const patched =
  (path: string, change: object, back: object): Change =>
  async ({ admin }) => {
    await admin.patch(path, change);
    return () => admin.patch(path, back);
  };

/** Takes an object away, and makes it again. */
export const without =
  (collection: string, name: string): Change =>
  async (cluster) => {
    const path = `${collection}/${name}`;
    const { metadata, status: _, ...rest } = await cluster.admin.call<Existing>(path);
    await cluster.admin.remove(path);
    return async () => {
      await until(`${name} is gone`, () => cluster.isGone(path));
      const { annotations, labels } = metadata;
      await cluster.admin.create(collection, { ...rest, metadata: { name, annotations, labels } });
    };
  };

export const offering =
  (accessMode: string, volumeMode = 'Block'): Change =>
  async (cluster) => {
    await cluster.offer('fast', accessMode, volumeMode);
    return () => cluster.offer('fast', 'ReadWriteMany');
  };
