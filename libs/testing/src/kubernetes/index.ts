export { type AdminCall, type KubernetesAdmin, KubernetesRefused } from './admin.js';
export type { KubernetesObject } from './installed.js';
export { Kubernetes, type KubernetesOptions, startKubernetes } from './kubernetes.js';
