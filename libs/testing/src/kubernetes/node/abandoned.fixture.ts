// A process of its own with a node, and a pod on it that has a block device, which the spec kills. It says what they hold.
import { until } from '../../until.js';
import { startKubernetes } from '../kubernetes.js';
import { PAUSE_IMAGE } from './configuration.js';

const NAMESPACE = '/api/v1/namespaces/default';
const kubernetes = await startKubernetes({ extras: 'none', node: true });
const { admin } = kubernetes;
const { device } = await kubernetes.blockVolume({ name: 'block', bytes: 2 ** 24, storageClass: 'block' });
await until('the default service account', () =>
  admin.call(`${NAMESPACE}/serviceaccounts/default`).then(
    () => true,
    () => false,
  ),
);
await admin.create(`${NAMESPACE}/persistentvolumeclaims`, {
  metadata: { name: 'block' },
  spec: {
    accessModes: ['ReadWriteOnce'],
    volumeMode: 'Block',
    storageClassName: 'block',
    resources: { requests: { storage: '16Mi' } },
  },
});
await admin.create(`${NAMESPACE}/pods`, {
  metadata: { name: 'holder' },
  spec: {
    containers: [
      { name: 'holder', image: PAUSE_IMAGE, volumeDevices: [{ name: 'block', devicePath: '/dev/block' }] },
    ],
    volumes: [{ name: 'block', persistentVolumeClaim: { claimName: 'block' } }],
  },
});
await until('a pod that runs', async () => {
  const pod = await admin.call<{ readonly status: { readonly phase: string } }>(`${NAMESPACE}/pods/holder`);
  return pod.status.phase === 'Running';
});
const { bridge, cgroup } = kubernetes.node.machine;
console.log(JSON.stringify({ folder: kubernetes.folder, device, bridge, cgroup }));
setInterval(() => undefined, 1000);
