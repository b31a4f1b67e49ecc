import type { KubeVirtSettings } from '@ledgerlift/contracts';
import type { z } from 'zod';
import type { TargetAt } from '../../plan.js';
import { readCredentials } from '../access.js';
import { type ApiResource, described, resources } from '../resources.js';
import { KubernetesConnection } from '../connection.js';
import {
  CdiConfig,
  Claim,
  FreeVolume,
  InstanceType,
  KubeVirt,
  LimitRange,
  Named,
  Namespace,
  Network,
  Node,
  Quota,
  ServiceRange,
  SnapshotClass,
  StorageClass,
  StorageProfile,
  VirtualMachine,
} from './kinds.js';
import { type Knowledge, ResourceWatch, WATCH_TIMES, type WatchTimes } from './resource-watch.js';

/** The objects of a cluster that migrations into it depend on. */
export interface ClusterView {
  readonly namespaces: readonly Namespace[];
  readonly storageClasses: readonly StorageClass[];
  readonly storageProfiles: readonly StorageProfile[];
  readonly snapshotClasses: readonly SnapshotClass[];
  /** CDI's configuration: at most one. */
  readonly cdiConfigs: readonly CdiConfig[];
  readonly freeVolumes: readonly FreeVolume[];
  readonly serviceRanges: readonly ServiceRange[];
  readonly networks: readonly Network[];
  readonly nodes: readonly Node[];
  readonly kubevirts: readonly KubeVirt[];
  readonly clusterInstanceTypes: readonly InstanceType[];
  readonly clusterPreferences: readonly Named[];
  /** This and the following fields: only of namespaces that VMs are migrated into. */
  readonly instanceTypes: readonly InstanceType[];
  readonly preferences: readonly Named[];
  readonly quotas: readonly Quota[];
  readonly limitRanges: readonly LimitRange[];
  readonly vms: readonly VirtualMachine[];
  readonly claims: readonly Claim[];
  /** Kinds that are not current or not installed. Empty if everything above is current. */
  readonly gaps: readonly Gap[];
}

/** A kind of object that a view does not know completely. */
export interface Gap {
  readonly kind: ApiResource;
  /** Undefined for the whole cluster. */
  readonly namespace: string | undefined;
  /** Such as `storageprofiles.cdi.kubevirt.io`. */
  readonly what: string;
  readonly knowledge: Exclude<Knowledge, { readonly state: 'current' }>;
}

type Part = Exclude<keyof ClusterView, 'gaps'>;
interface Source {
  readonly part: Part;
  readonly kind: ApiResource;
  /** Selects the fields to keep of each object. */
  readonly schema: z.ZodType;
}

/** Kinds to watch in the whole cluster. */
const clusterSources: readonly Source[] = [
  { part: 'namespaces', kind: resources.namespaces, schema: Namespace },
  { part: 'storageClasses', kind: resources.storageClasses, schema: StorageClass },
  { part: 'storageProfiles', kind: resources.storageProfiles, schema: StorageProfile },
  { part: 'snapshotClasses', kind: resources.snapshotClasses, schema: SnapshotClass },
  { part: 'cdiConfigs', kind: resources.cdiConfigs, schema: CdiConfig },
  { part: 'freeVolumes', kind: resources.volumes, schema: FreeVolume },
  { part: 'serviceRanges', kind: resources.serviceRanges, schema: ServiceRange },
  { part: 'networks', kind: resources.networks, schema: Network },
  { part: 'nodes', kind: resources.nodes, schema: Node },
  { part: 'kubevirts', kind: resources.kubevirts, schema: KubeVirt },
  { part: 'clusterInstanceTypes', kind: resources.clusterInstanceTypes, schema: InstanceType },
  { part: 'clusterPreferences', kind: resources.clusterPreferences, schema: Named },
];
/** Kinds to watch in each namespace that VMs are migrated into. */
const namespaceSources: readonly Source[] = [
  { part: 'instanceTypes', kind: resources.instanceTypes, schema: InstanceType },
  { part: 'preferences', kind: resources.preferences, schema: Named },
  { part: 'quotas', kind: resources.quotas, schema: Quota },
  { part: 'limitRanges', kind: resources.limitRanges, schema: LimitRange },
  { part: 'vms', kind: resources.vms, schema: VirtualMachine },
  { part: 'claims', kind: resources.claims, schema: Claim },
];
interface PartWatch {
  readonly part: Part;
  readonly watch: ResourceWatch<unknown>;
}

/** Keeps a cluster's objects current by watching it, so that a look costs the API server nothing. */
export class ClusterInventory implements AsyncDisposable {
  readonly #watches: readonly PartWatch[];
  readonly #stop = new AbortController();
  readonly #running: Promise<unknown>;

  /**
   * Starts watching.
   *
   * @param namespaces the namespaces that VMs are migrated into
   */
  constructor(
    connection: KubernetesConnection,
    namespaces: readonly string[],
    times: WatchTimes = WATCH_TIMES,
  ) {
    const watch = ({ part, kind, schema }: Source, namespace?: string): PartWatch => ({
      part,
      watch: new ResourceWatch(connection, kind, schema, namespace, times),
    });
    this.#watches = [
      ...clusterSources.map((source) => watch(source)),
      ...namespaces.flatMap((namespace) => namespaceSources.map((source) => watch(source, namespace))),
    ];
    const { signal } = this.#stop;
    this.#running = Promise.all(this.#watches.map((each) => each.watch.run(signal)));
  }

  /** Resolves once each kind is listed, or has a known reason why not. @throws the signal's reason if aborted */
  async known(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#watches.map((each) => each.watch.known(signal)));
  }

  /** Returns the current state. */
  view(): ClusterView {
    const of = <T>(wanted: Part): readonly T[] =>
      this.#watches
        .filter(({ part }) => part === wanted)
        .flatMap(({ watch }) => watch.objects as readonly T[]);
    return {
      namespaces: of('namespaces'),
      storageClasses: of('storageClasses'),
      storageProfiles: of('storageProfiles'),
      snapshotClasses: of('snapshotClasses'),
      cdiConfigs: of('cdiConfigs'),
      freeVolumes: of('freeVolumes'),
      serviceRanges: of('serviceRanges'),
      networks: of('networks'),
      nodes: of('nodes'),
      kubevirts: of('kubevirts'),
      clusterInstanceTypes: of('clusterInstanceTypes'),
      clusterPreferences: of('clusterPreferences'),
      instanceTypes: of('instanceTypes'),
      preferences: of('preferences'),
      quotas: of('quotas'),
      limitRanges: of('limitRanges'),
      vms: of('vms'),
      claims: of('claims'),
      gaps: this.#watches.flatMap(({ watch: { kind, namespace, knowledge } }) =>
        knowledge.state === 'current' ? [] : [{ kind, namespace, what: described(kind), knowledge }],
      ),
    };
  }

  /** Ends all watches. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }
}

/** A watched cluster. */
export interface OpenInventory {
  readonly connection: KubernetesConnection;
  readonly inventory: ClusterInventory;
}

export interface OpenInventoriesOptions {
  /** Closes an inventory after this time without use; ten minutes by default. */
  readonly idleMs?: number;
  readonly times?: WatchTimes;
}

const IDLE_MS = 600_000;

/**
 * Keeps watching clusters between looks, so that only the first look lists everything. Different secrets or settings count as
 * different clusters.
 */
export class OpenInventories {
  readonly #open = new Map<string, OpenInventory & { readonly idle: NodeJS.Timeout }>();
  readonly #idleMs: number;
  readonly #times: WatchTimes | undefined;

  constructor({ idleMs = IDLE_MS, times }: OpenInventoriesOptions = {}) {
    this.#idleMs = idleMs;
    this.#times = times;
  }

  /** Returns a target's inventory, opening it if needed. Its credentials are read at the first request to the cluster. */
  of({ settings, secret }: TargetAt<KubeVirtSettings>): OpenInventory {
    const key = JSON.stringify([settings, secret?.name]);
    const found = this.#open.get(key);
    if (found !== undefined) {
      found.idle.refresh();
      return found;
    }
    const connection = new KubernetesConnection(() => readCredentials(settings.access, secret?.name));
    const inventory = new ClusterInventory(connection, settings.namespaces, this.#times);
    // The timer must not keep the process alive.
    const idle = setTimeout(() => void this.#close(key), this.#idleMs).unref();
    const opened = { connection, inventory, idle };
    this.#open.set(key, opened);
    return opened;
  }

  /** Number of open inventories. */
  get size(): number {
    return this.#open.size;
  }

  /** Closes all inventories. `of` opens them again. */
  async close(): Promise<void> {
    await Promise.all([...this.#open.keys()].map((key) => this.#close(key)));
  }

  async #close(key: string): Promise<void> {
    const opened = this.#open.get(key);
    if (opened === undefined) return;
    this.#open.delete(key);
    clearTimeout(opened.idle);
    await opened.inventory[Symbol.asyncDispose]();
    await opened.connection.close();
  }
}
