/** An RBAC verb. */
export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection';

/** A kind of object, by its address at the API server. */
export interface ApiResource {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  /** Plural, such as `virtualmachines`. */
  readonly resource: string;
  readonly scope: 'cluster' | 'namespace';
}

/** Selects one or more objects of a kind. */
export interface ObjectAddress {
  /** For namespaced kinds; absent for all namespaces. */
  readonly namespace?: string | undefined;
  /** Absent for all objects. */
  readonly name?: string | undefined;
  /** Such as `status`. */
  readonly subresource?: string | undefined;
}

/** Returns the path of an object or a collection at the API server. */
export function pathOf({ group, version, resource }: ApiResource, address: ObjectAddress = {}): string {
  const { namespace, name, subresource } = address;
  return [
    group === '' ? '/api' : `/apis/${group}`,
    version,
    ...(namespace === undefined ? [] : ['namespaces', encodeURIComponent(namespace)]),
    resource,
    ...(name === undefined ? [] : [encodeURIComponent(name)]),
    ...(subresource === undefined ? [] : [subresource]),
  ].join('/');
}

/** Describes objects for messages: `virtualmachines.kubevirt.io "web" in the namespace 'vms'`. */
export function described({ group, resource }: ApiResource, address: ObjectAddress = {}): string {
  const { namespace, name, subresource } = address;
  const kind = `${resource}${subresource === undefined ? '' : `/${subresource}`}${group === '' ? '' : `.${group}`}`;
  return [
    kind,
    ...(name === undefined ? [] : [`"${name}"`]),
    ...(namespace === undefined ? [] : [`in the namespace '${namespace}'`]),
  ].join(' ');
}

/** Returns a server's address in a form to which paths can be appended. */
export const withoutSlash = (url: string): string => new URL(url).href.replace(/\/+$/, '');

const namespaced = (group: string, version: string, resource: string): ApiResource => ({
  group,
  version,
  resource,
  scope: 'namespace',
});
const ofCluster = (group: string, version: string, resource: string): ApiResource => ({
  group,
  version,
  resource,
  scope: 'cluster',
});

/** Every kind of object that Ledgerlift reads or writes in a cluster. */
export const resources = {
  namespaces: ofCluster('', 'v1', 'namespaces'),
  nodes: ofCluster('', 'v1', 'nodes'),
  volumes: ofCluster('', 'v1', 'persistentvolumes'),
  serviceRanges: ofCluster('networking.k8s.io', 'v1', 'servicecidrs'),
  claims: namespaced('', 'v1', 'persistentvolumeclaims'),
  pods: namespaced('', 'v1', 'pods'),
  secrets: namespaced('', 'v1', 'secrets'),
  configMaps: namespaced('', 'v1', 'configmaps'),
  events: namespaced('', 'v1', 'events'),
  quotas: namespaced('', 'v1', 'resourcequotas'),
  limitRanges: namespaced('', 'v1', 'limitranges'),
  storageClasses: ofCluster('storage.k8s.io', 'v1', 'storageclasses'),
  storageProfiles: ofCluster('cdi.kubevirt.io', 'v1beta1', 'storageprofiles'),
  cdiConfigs: ofCluster('cdi.kubevirt.io', 'v1beta1', 'cdiconfigs'),
  snapshotClasses: ofCluster('snapshot.storage.k8s.io', 'v1', 'volumesnapshotclasses'),
  networks: namespaced('k8s.cni.cncf.io', 'v1', 'network-attachment-definitions'),
  vms: namespaced('kubevirt.io', 'v1', 'virtualmachines'),
  instances: namespaced('kubevirt.io', 'v1', 'virtualmachineinstances'),
  kubevirts: namespaced('kubevirt.io', 'v1', 'kubevirts'),
  instanceTypes: namespaced('instancetype.kubevirt.io', 'v1beta1', 'virtualmachineinstancetypes'),
  clusterInstanceTypes: ofCluster(
    'instancetype.kubevirt.io',
    'v1beta1',
    'virtualmachineclusterinstancetypes',
  ),
  preferences: namespaced('instancetype.kubevirt.io', 'v1beta1', 'virtualmachinepreferences'),
  clusterPreferences: ofCluster('instancetype.kubevirt.io', 'v1beta1', 'virtualmachineclusterpreferences'),
  accessReviews: ofCluster('authorization.k8s.io', 'v1', 'selfsubjectaccessreviews'),
} as const;
