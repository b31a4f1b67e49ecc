import type { ApiResource, Verb } from '../addresses.js';
import { resources } from '../resources.js';

/** One right that a migration into a cluster needs. */
export interface Need {
  readonly verb: Verb;
  readonly kind: ApiResource;
  /** Such as `log`. */
  readonly subresource?: string;
  /** `cluster`: everywhere; `namespace`: in each namespace that VMs are migrated into. */
  readonly scope: 'cluster' | 'namespace';
  /** What it is for, in words for those who give it. */
  readonly purpose: string;
}

const WATCH = ['get', 'list', 'watch'] as const;
const rights = (
  scope: Need['scope'],
  kind: ApiResource,
  verbs: readonly Verb[],
  purpose: string,
  subresource?: string,
): readonly Need[] =>
  verbs.map((verb) => ({
    scope,
    kind,
    verb,
    purpose,
    ...(subresource === undefined ? {} : { subresource }),
  }));

/**
 * Every right that Ledgerlift needs, and no other: what is checked, and what the roles grant, comes from this table alone. Whoever
 * adds a call to the cluster adds its right here.
 */
export const needs: readonly Need[] = [
  ...rights('cluster', resources.namespaces, WATCH, 'namespaces that a plan may name'),
  ...rights('cluster', resources.nodes, WATCH, 'room for VMs, and nodes whose pods are known to have ended'),
  ...rights('cluster', resources.storageClasses, WATCH, 'storage that a mapping may name'),
  ...rights('cluster', resources.storageProfiles, WATCH, 'access and volume modes of a storage class'),
  ...rights('cluster', resources.cdiConfigs, WATCH, 'how much of a volume its file system takes'),
  ...rights('cluster', resources.volumes, WATCH, 'free volumes of a class that makes none'),
  ...rights('cluster', resources.serviceRanges, WATCH, 'addresses that the cluster has to itself'),
  ...rights('cluster', resources.snapshotClasses, WATCH, 'whether disks can be snapshotted'),
  ...rights('cluster', resources.networks, WATCH, 'networks that a mapping may name'),
  ...rights('cluster', resources.kubevirts, WATCH, "KubeVirt's version and feature gates"),
  ...rights('cluster', resources.clusterInstanceTypes, WATCH, 'instance types that a plan may name'),
  ...rights('cluster', resources.clusterPreferences, WATCH, 'preferences that a plan may name'),
  ...rights('namespace', resources.instanceTypes, WATCH, 'instance types of the namespace'),
  ...rights('namespace', resources.preferences, WATCH, 'preferences of the namespace'),
  ...rights('namespace', resources.quotas, WATCH, 'what the namespace may still use'),
  ...rights('namespace', resources.limitRanges, WATCH, 'how large a claim or pod may be'),
  ...rights('namespace', resources.events, ['list'], 'why a pod or a claim is pending'),
  ...rights('namespace', resources.vms, [...WATCH, 'create', 'patch', 'delete'], 'the VM'),
  ...rights('namespace', resources.instances, WATCH, 'whether the VM runs'),
  ...rights('namespace', resources.claims, [...WATCH, 'create', 'patch', 'delete'], "the VM's disks"),
  ...rights('namespace', resources.pods, [...WATCH, 'create', 'delete'], 'workers beside the disks'),
  ...rights('namespace', resources.pods, ['get'], 'what a worker said at its end', 'log'),
  ...rights(
    'namespace',
    resources.secrets,
    ['get', 'create', 'patch', 'delete'],
    'credentials of a worker pod',
  ),
];

/** As a role has it, such as `pods/log`. */
export const resourceOf = ({ kind, subresource }: Need): string =>
  subresource === undefined ? kind.resource : `${kind.resource}/${subresource}`;
