import type { VmRecord } from '@ledgerlift/contracts';
import { readWholeSecret } from '@ledgerlift/secrets';
import { needsUnpacking } from '../../files/claims.js';
import { roomBeside } from '../../files/room.js';
import { claimBytes } from '../disks/claim-size.js';
import { ownLabels } from '../ownership.js';
import { podName, scratchName } from './names.js';
import { CREDENTIAL_KEY, secretKey } from './pod-object.js';

/** What a file system usually takes for itself; where a class makes larger volumes, the more is left. */
const OVERHEAD = 0.1;

/** Something that the pod mounts, as it is sent. */
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

/** The claim for what stands beside the disks while they are copied and converted. Pure. */
export function scratchObject(record: VmRecord, storageClassName: string): PartObject {
  const disks = record.disks.map(({ diskId }) => {
    const disk = record.source.vm.disks.find(({ id }) => id === diskId);
    const unpacked = disk !== undefined && needsUnpacking(disk) ? 'unpacked' : 'read-in-place';
    return { size: disk?.capacityBytes ?? 0, unpacked } as const;
  });
  const { skipGuestConversion, type } = record.settings;
  const conversion = skipGuestConversion && type !== 'warm' ? 'left-as-is' : 'converted';
  // A warm VM may be converted for a test, beside what its last conversion has left; its test boot writes overlays in any case.
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

/** Secrets that the VM's workers read at their own site. By name: their keys and contents. */
export type PodSecrets = ReadonlyMap<string, Readonly<Record<string, string>>>;

/**
 * Reads, at this site, what the workers in the pod will ask for: it is theirs to read there, and nothing else is.
 * @throws SecretMissing
 */
export async function secretsOfPod(record: VmRecord): Promise<PodSecrets> {
  const names = new Set([...secretsIn(record.source.provider.spec), ...secretsIn(record.settings.luks)]);
  return new Map(
    await Promise.all([...names].map(async (name) => [name, await readWholeSecret(name)] as const)),
  );
}

/** Names under a key `secret`, however deep: every kind of source refers to its secrets so. */
function secretsIn(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]: [string, unknown]) =>
    key === 'secret' && hasName(inner) ? [inner.name] : secretsIn(inner),
  );
}

const hasName = (value: unknown): value is { readonly name: string } =>
  typeof value === 'object' && value !== null && 'name' in value && typeof value.name === 'string';

/** The secret of the pod: its credential for NATS, and copies of what its workers read. Goes with the pod. */
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
