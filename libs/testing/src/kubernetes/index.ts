export { type AdminCall, type KubernetesAdmin, KubernetesRefused } from './admin.js';
export {
  type DomainBoot,
  type DomainRequest,
  type KubevirtDomain,
  bootDomain,
  kubevirtDomains,
} from './domain.js';
export type { ApiCall, ApiFault, ApiInjection, ApiServerProxy, ApiVerb } from './api-proxy.js';
export { type KubernetesObject, workerImage } from './installed.js';
export { Kubernetes, type KubernetesOptions, startKubernetes } from './kubernetes.js';
export { type KubernetesNode, type NodeVolume, VolumeProvisioner, type VolumeRequest } from './node/index.js';
