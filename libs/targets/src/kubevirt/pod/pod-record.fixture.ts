import { type ProviderSpec, type VmRecord, WorkerPods } from '@ledgerlift/contracts';
import { type RecordOptions, vmRecord } from '@ledgerlift/testing';
import type { z } from 'zod';

/** How pods are made in these specs; what is different of it is given. */
export const workerPods = (over: Partial<z.input<typeof WorkerPods>> = {}): WorkerPods =>
  WorkerPods.parse({
    image: 'registry.example.com/ledgerlift:1',
    natsUrl: 'nats://nats.example.com:4222',
    scratchStorageClass: 'fast',
    ...over,
  });

/** A source whose secrets stand at two depths. */
export const vsphere: ProviderSpec = {
  name: 'vcenter',
  type: 'vsphere',
  sites: ['local', 'edge'],
  secret: { name: 'vcenter' },
  settings: {
    url: 'https://vcenter.example.com/sdk',
    sdkEndpoint: 'vcenter',
    insecureSkipVerify: false,
    vddk: { transports: 'nbdssl:nbd', compression: 'none', singleLink: false },
    hosts: [{ host: 'esxi-1', secret: { name: 'esxi' } }],
  },
};

/** A VM bound for a cluster. */
export function clusterRecord(options: RecordOptions = {}, worker: WorkerPods = workerPods()): VmRecord {
  const base = vmRecord({ disks: 2, ...options });
  return {
    ...base,
    target: {
      providerId: 'dst',
      type: 'kubevirt',
      name: 'cluster',
      secret: { name: 'cluster' },
      settings: { access: { kind: 'kubeconfig' }, namespaces: [base.targetNamespace], worker },
    },
    disks: base.disks.map((disk) => ({ ...disk, name: `${base.targetNamespace}/${disk.pvcName}` })),
  };
}
