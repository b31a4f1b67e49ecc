export { KubernetesNode } from './node.js';
export { VolumeProvisioner } from './provisioner.js';
export type { NodeVolume, VolumeRequest } from './volumes.js';
