export { type AdminCall, type KubernetesAdmin, KubernetesRefused } from './admin.js';
export { type KubernetesObject, workerImage } from './installed.js';
export { Kubernetes, type KubernetesOptions, startKubernetes } from './kubernetes.js';
export type { KubernetesNode, NodeVolume, VolumeRequest } from './node/index.js';
