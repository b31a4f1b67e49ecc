export { KubernetesNode } from './node.js';
export type { NodeVolume, VolumeRequest } from './volumes.js';
