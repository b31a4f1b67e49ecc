import type { z } from 'zod';
import { type ApiResource, described } from '../addresses.js';
import type { KubernetesConnection } from '../connection.js';
import { resources } from '../resources.js';
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

/** What a cluster has, as far as a migration into it depends on it. */
export interface ClusterView {
  readonly namespaces: readonly Namespace[];
  readonly storageClasses: readonly StorageClass[];
  readonly storageProfiles: readonly StorageProfile[];
  readonly snapshotClasses: readonly SnapshotClass[];
  /** CDI's own, which is one. */
  readonly cdiConfigs: readonly CdiConfig[];
  readonly freeVolumes: readonly FreeVolume[];
  readonly serviceRanges: readonly ServiceRange[];
  readonly networks: readonly Network[];
  readonly nodes: readonly Node[];
  readonly kubevirts: readonly KubeVirt[];
  readonly clusterInstanceTypes: readonly InstanceType[];
  readonly clusterPreferences: readonly Named[];
  /** Of the namespaces that VMs are migrated into, as are all that follow. */
  readonly instanceTypes: readonly InstanceType[];
  readonly preferences: readonly Named[];
  readonly quotas: readonly Quota[];
  readonly limitRanges: readonly LimitRange[];
  readonly vms: readonly VirtualMachine[];
  readonly claims: readonly Claim[];
  /** What is not known as it is now, and what is not installed. Empty: everything above is current. */
  readonly gaps: readonly Gap[];
}

/** A kind of object of which a view lacks something. */
export interface Gap {
  readonly kind: ApiResource;
  /** Undefined: everywhere. */
  readonly namespace: string | undefined;
  /** Such as `storageprofiles.cdi.kubevirt.io`. */
  readonly what: string;
  readonly knowledge: Exclude<Knowledge, { readonly state: 'current' }>;
}

type Part = Exclude<keyof ClusterView, 'gaps'>;
interface Source {
  readonly part: Part;
  readonly kind: ApiResource;
  /** Of what is kept of each object. */
  readonly schema: z.ZodType;
}

/** What is watched in the whole cluster. */
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
/** What is watched in each namespace that VMs are migrated into. */
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

/** Knows what a cluster has by watching it, so that looking costs the API server nothing. */
export class ClusterInventory implements AsyncDisposable {
  readonly #watches: readonly PartWatch[];
  readonly #stop = new AbortController();
  readonly #running: Promise<unknown>;

  /**
   * Begins to watch.
   *
   * @param namespaces those that VMs are migrated into
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

  /** Resolves once each kind was listed, or it is known why it is not. @throws the signal's reason once aborted */
  async known(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#watches.map((each) => each.watch.known(signal)));
  }

  /** As it is known now. */
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
