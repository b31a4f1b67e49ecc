import type { ApiResource } from './addresses.js';

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
