import { setTimeout as delay } from 'node:timers/promises';
import { VolumeProvisioner } from '@ledgerlift/testing';
import { CLASSES, InstallationWithCluster } from '../installation/cluster.js';
import type { RunScript } from './script.js';

const CLASS_AT_ONCE = 'at-once';
const EVERY_MS = 300;
/** Of a pod as of everything that is made for a VM. */
const MIGRATION = 'ledgerlift.io/migration';

/** The storage mapping that a run's plan names. */
export const mappingOf = ({ volumeMode, binding }: Pick<RunScript, 'volumeMode' | 'binding'>): string =>
  `${volumeMode}-${binding}`.toLowerCase();

interface PodObject {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
}

/** An installation with a cluster in which each VM that is migrated at a time has a namespace of its own. */
export class World implements AsyncDisposable {
  /** Of VMs, by the migration's id: pods of which two had processes at the same time. */
  readonly doubled = new Map<string, readonly string[]>();
  /** Which migration a pod is of, by its uid. */
  readonly #pods = new Map<string, string>();
  /** What is done to the whole world is done one after the other. */
  #turn: Promise<unknown> = Promise.resolve();
  readonly #over = new AbortController();
  readonly #watching: Promise<void>;

  private constructor(
    readonly cluster: InstallationWithCluster,
    readonly volumes: VolumeProvisioner,
    readonly namespaces: readonly string[],
  ) {
    this.#watching = this.#watch();
  }

  /** @param lanes how many VMs are migrated at a time */
  static async start(lanes: number): Promise<World> {
    const namespaces = Array.from({ length: lanes }, (_, lane) => `vms-${lane}`);
    const cluster = await InstallationWithCluster.start({
      namespaces,
      // Leases hold on a machine that is busy with a node and an API server that start.
      env: { LEDGERLIFT_LEASE_MS: '6000', LEDGERLIFT_UNCLAIMED_MS: '4000' },
    });
    try {
      const volumes = await VolumeProvisioner.start(cluster.kubernetes, [
        { name: CLASSES.disks, binding: 'WaitForFirstConsumer' },
        { name: CLASSES.scratch, binding: 'WaitForFirstConsumer' },
        { name: CLASS_AT_ONCE, binding: 'Immediate' },
      ]);
      const world = new World(cluster, volumes, namespaces);
      await world.#makeMappings();
      return world;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Does something to the whole world once nobody else does. */
  alone(strike: () => Promise<void>): Promise<void> {
    const mine = this.#turn.then(strike);
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  /** Processes in the worker pod of a migration, as this machine numbers them. */
  async processesOf(migration: string): Promise<readonly number[]> {
    const live = await this.cluster.kubernetes.node.podProcesses();
    return [...live].flatMap(([uid, pids]) => (this.#pods.get(uid) === migration ? pids : []));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#turn;
    this.#over.abort();
    await this.#watching;
    await this.volumes[Symbol.asyncDispose]();
    await this.cluster[Symbol.asyncDispose]();
  }

  async #makeMappings(): Promise<void> {
    for (const volumeMode of ['Block', 'Filesystem'] as const)
      for (const binding of ['WaitForFirstConsumer', 'Immediate'] as const) {
        const storageClass = binding === 'Immediate' ? CLASS_AT_ONCE : CLASSES.disks;
        await this.cluster.installation.call('mappings.create', {
          body: {
            kind: 'storage',
            name: mappingOf({ volumeMode, binding }),
            source: 'files',
            target: 'out',
            pairs: [
              { source: 'ova', destination: { storageClass, accessMode: 'ReadWriteOnce', volumeMode } },
            ],
          },
        });
      }
  }

  async #watch(): Promise<void> {
    while (!this.#over.signal.aborted) {
      // The API server may be away, and the node; what was known of pods holds on.
      await this.#lookAtPods().catch(() => undefined);
      await this.#lookForTwo().catch(() => undefined);
      await delay(EVERY_MS);
    }
  }

  async #lookAtPods(): Promise<void> {
    for (const namespace of this.namespaces) {
      const { items } = await this.cluster.kubernetes.admin.call<{ readonly items: readonly PodObject[] }>(
        `/api/v1/namespaces/${namespace}/pods`,
      );
      for (const { metadata } of items) {
        const migration = metadata.labels?.[MIGRATION];
        if (migration !== undefined) this.#pods.set(metadata.uid, migration);
      }
    }
  }

  /** The kernel's word, not the cluster's: two pods with processes of a VM may both write its disks. */
  async #lookForTwo(): Promise<void> {
    const live = await this.cluster.kubernetes.node.podProcesses();
    const known = [...live.keys()].flatMap((uid) => {
      const migration = this.#pods.get(uid);
      return migration === undefined ? [] : [{ uid, migration }];
    });
    for (const [migration, pods] of Map.groupBy(known, (each) => each.migration))
      if (pods.length > 1)
        this.doubled.set(
          migration,
          pods.map(({ uid }) => uid),
        );
  }
}
