// A process of its own with a node and a volume, which the spec kills. It says where they are.
import { startKubernetes } from '../kubernetes.js';

const kubernetes = await startKubernetes({ extras: 'none', node: true });
const { device } = await kubernetes.blockVolume({ name: 'block', bytes: 2 ** 24, storageClass: 'block' });
const { machine } = kubernetes.node;
console.log(
  JSON.stringify({ folder: kubernetes.folder, device, bridge: machine.bridge, cgroup: machine.cgroup }),
);
setInterval(() => undefined, 1000);
