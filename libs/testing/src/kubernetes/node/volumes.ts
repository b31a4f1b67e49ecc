import { open, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type KubernetesAdmin, KubernetesRefused } from '../admin.js';
import { until } from '../../until.js';
import { loopDevice } from './machine.js';

export interface VolumeRequest {
  /** Of the persistent volume. */
  readonly name: string;
  /** Its size; the file behind it takes only what is written. */
  readonly bytes: number;
  /** Made where there is none: without a provisioner, binding for the first pod. */
  readonly storageClass: string;
}

export interface NodeVolume {
  readonly name: string;
  /**
   * The file behind the volume: of a block volume it has the same bytes, as far as the pod has flushed them (fsync), of a
   * file volume it is an image with an ext4 file system.
   */
  readonly path: string;
  /** On the node. */
  readonly device: string;
}

const CLASSES = '/apis/storage.k8s.io/v1/storageclasses';
const PROVISIONER = 'kubernetes.io/no-provisioner';

/**
 * Makes a `local` volume over a loop device that only pods of this node can have. kubelet makes the file system of a file
 * volume when a pod first mounts it.
 *
 * @param folder in which its file is made
 */
export async function createVolume(
  admin: KubernetesAdmin,
  { folder, node }: { readonly folder: string; readonly node: string },
  volumeMode: 'Block' | 'Filesystem',
  { name, bytes, storageClass }: VolumeRequest,
): Promise<NodeVolume> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, `${name}.img`);
  await using file = await open(path, 'wx');
  await file.truncate(bytes);
  const device = await loopDevice(path);
  await ensureStorageClass(admin, storageClass);
  const volume = { name, path, device };
  await admin.create(
    '/api/v1/persistentvolumes',
    localVolume(volume, node, { volumeMode, bytes, storageClass }),
  );
  // Before that the scheduler passes it over, and looks at the pod again only after minutes.
  await until(`volume ${name} to be available`, async () => {
    const { status } = await admin.call<{ readonly status?: { readonly phase?: string } }>(
      `/api/v1/persistentvolumes/${name}`,
    );
    return status?.phase === 'Available';
  });
  return volume;
}

/** The PersistentVolume over a loop device, ready to be created. Pure. */
export function localVolume(
  { name, device }: NodeVolume,
  node: string,
  {
    volumeMode,
    bytes,
    storageClass,
  }: Pick<VolumeRequest, 'bytes' | 'storageClass'> & { readonly volumeMode: 'Block' | 'Filesystem' },
): { readonly metadata: object; readonly spec: object } {
  return {
    metadata: { name },
    spec: {
      capacity: { storage: String(bytes) },
      accessModes: ['ReadWriteOnce'],
      volumeMode,
      storageClassName: storageClass,
      persistentVolumeReclaimPolicy: 'Retain',
      local: { path: device, ...(volumeMode === 'Filesystem' ? { fsType: 'ext4' } : {}) },
      nodeAffinity: {
        required: {
          nodeSelectorTerms: [
            { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [node] }] },
          ],
        },
      },
    },
  };
}

async function ensureStorageClass(admin: KubernetesAdmin, name: string): Promise<void> {
  try {
    await admin.create(CLASSES, {
      metadata: { name },
      provisioner: PROVISIONER,
      volumeBindingMode: 'WaitForFirstConsumer',
    });
  } catch (error) {
    if (!(error instanceof KubernetesRefused) || error.status !== 409) throw error;
  }
}
