import type { VmRecord } from '@ledgerlift/contracts';
import { readWholeSecret } from '@ledgerlift/secrets';
import { needsUnpacking } from '../../files/claims.js';
import { roomBeside } from '../../files/overlays.js';
import { claimBytes } from '../disks/claims.js';
import { ownLabels } from '../ownership.js';
import { podName, scratchName } from './names.js';
import { CREDENTIAL_KEY, secretKey } from './pod-object.js';

/** Usual share of a volume that its file system takes. A larger volume just leaves more free space. */
const OVERHEAD = 0.1;

/** An object that the pod mounts. */
export interface PartObject {
  readonly apiVersion: 'v1';
  readonly kind: 'Pod' | 'Secret' | 'PersistentVolumeClaim';
  readonly metadata: ReturnType<typeof ownLabels> & { readonly name: string; readonly namespace: string };
  readonly spec?: object;
}
export interface SecretObject extends PartObject {
  readonly type: 'Opaque';
  readonly stringData: Readonly<Record<string, string>>;
}

/** Builds the claim for files beside the disks during copy and conversion. Pure. */
export function scratchObject(record: VmRecord, storageClassName: string): PartObject {
  const disks = record.disks.map(({ diskId }) => {
    const disk = record.source.vm.disks.find(({ id }) => id === diskId);
    const unpacked = disk !== undefined && needsUnpacking(disk) ? 'unpacked' : 'read-in-place';
    return { size: disk?.capacityBytes ?? 0, unpacked } as const;
  });
  const { skipGuestConversion, type } = record.settings;
  const conversion = skipGuestConversion && type !== 'warm' ? 'left-as-is' : 'converted';
  // A warm VM may need a test conversion beside the overlays of its last one; a test boot writes overlays in any case.
  const times = type === 'warm' ? 2 : 1;
  const bytes = roomBeside({ disks, conversion }) * times;
  const storage = claimBytes(bytes, { volumeMode: 'Filesystem', overhead: OVERHEAD, minimumBytes: 0 });
  const { labels, annotations } = ownLabels(record);
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: scratchName(record), namespace: record.targetNamespace, labels, annotations },
    spec: {
      accessModes: ['ReadWriteOnce'],
      volumeMode: 'Filesystem',
      storageClassName,
      resources: { requests: { storage: String(storage) } },
    },
  };
}

/** Name of each secret that the VM's workers read → its keys and contents. */
export type PodSecrets = ReadonlyMap<string, Readonly<Record<string, string>>>;

/**
 * Reads at this site exactly the secrets that the workers in the pod need.
 * @throws SecretMissing
 */
export async function secretsOfPod(record: VmRecord): Promise<PodSecrets> {
  const names = new Set([...secretsIn(record.source.provider.spec), ...secretsIn(record.settings.luks)]);
  return new Map(
    await Promise.all([...names].map(async (name) => [name, await readWholeSecret(name)] as const)),
  );
}

/** Finds names under a key `secret` at any depth: every kind of source refers to its secrets that way. */
function secretsIn(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]: [string, unknown]) =>
    key === 'secret' && hasName(inner) ? [inner.name] : secretsIn(inner),
  );
}

const hasName = (value: unknown): value is { readonly name: string } =>
  typeof value === 'object' && value !== null && 'name' in value && typeof value.name === 'string';

/** Builds the pod's secret: its NATS credential, and copies of the secrets that its workers read. Deleted with the pod. */
export function secretObject(record: VmRecord, credential: string, secrets: PodSecrets): SecretObject {
  const { labels, annotations } = ownLabels(record);
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'Opaque',
    metadata: { name: podName(record), namespace: record.targetNamespace, labels, annotations },
    stringData: {
      [CREDENTIAL_KEY]: credential,
      ...Object.fromEntries(
        [...secrets].flatMap(([name, keys]) =>
          Object.entries(keys).map(([key, content]) => [secretKey(name, key), content]),
        ),
      ),
    },
  };
}
