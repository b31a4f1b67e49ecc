import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type KubernetesAdmin, KubernetesRefused } from '../admin.js';
import type { KubernetesNode } from './node.js';
import { detachLoop, loopDevice } from './machine.js';
import { type NodeVolume, localVolume } from './volumes.js';

const MIB = 2 ** 20;
const PROVISIONER = 'ledgerlift.test/loop';
const CLASSES = '/apis/storage.k8s.io/v1/storageclasses';
const VOLUMES = '/api/v1/persistentvolumes';
/** Kubernetes sets it on a claim whose first pod has been given a node (kubernetes.io/docs/concepts/storage/storage-classes). */
const SELECTED_NODE = 'volume.kubernetes.io/selected-node';
const EVERY_MS = 100;
/** More than is asked for, as of most storages: of a block volume the rest must be zeroed, a small file system takes much for itself. */
const MORE_BYTES = { Block: 8 * MIB, Filesystem: 128 * MIB } as const;

export interface ProvisionedClass {
  readonly name: string;
  readonly binding: 'Immediate' | 'WaitForFirstConsumer';
}

/** Whose a volume is. */
export interface ClaimName {
  readonly namespace: string;
  readonly name: string;
}

interface Claim {
  readonly metadata: ClaimName & {
    readonly uid: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: {
    readonly storageClassName?: string;
    readonly volumeMode?: 'Block' | 'Filesystem';
    readonly volumeName?: string;
    readonly resources: { readonly requests: { readonly storage: string } };
  };
}

/**
 * What makes volumes for claims, and removes those whose claim was deleted, as an external provisioner does: each a loop device of
 * the node. A block volume is full of what another left, never of zeros.
 */
export class VolumeProvisioner implements AsyncDisposable {
  /** By the claim's uid. */
  readonly #made = new Map<string, NodeVolume>();
  readonly #held = new Set<(claim: ClaimName) => boolean>();
  readonly #over = new AbortController();
  #working: Promise<void> = Promise.resolve();

  private constructor(
    private readonly admin: KubernetesAdmin,
    private readonly node: KubernetesNode,
    private readonly classes: readonly ProvisionedClass[],
  ) {}

  /** Makes the storage classes, and serves their claims until it is disposed of. */
  static async start(
    { admin, node }: { readonly admin: KubernetesAdmin; readonly node: KubernetesNode },
    classes: readonly ProvisionedClass[],
  ): Promise<VolumeProvisioner> {
    for (const { name, binding } of classes)
      await admin.create(CLASSES, {
        metadata: { name },
        provisioner: PROVISIONER,
        volumeBindingMode: binding,
      });
    const provisioner = new VolumeProvisioner(admin, node, classes);
    provisioner.#working = provisioner.#work();
    return provisioner;
  }

  /** Makes no volume for these claims, so that they stay Pending, until what is returned is disposed of. */
  hold(claims: (claim: ClaimName) => boolean): Disposable {
    this.#held.add(claims);
    return { [Symbol.dispose]: () => void this.#held.delete(claims) };
  }

  /** The volume of a claim. @throws KubernetesRefused where there is no such claim */
  async volumeOf({ namespace, name }: ClaimName): Promise<NodeVolume | undefined> {
    const path = `/api/v1/namespaces/${namespace}/persistentvolumeclaims/${name}`;
    const { metadata } = await this.admin.call<Claim>(path);
    return this.#made.get(metadata.uid);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort();
    await this.#working;
  }

  async #work(): Promise<void> {
    while (!this.#over.signal.aborted) {
      // The API server may be away.
      await this.#round().catch(() => undefined);
      await delay(EVERY_MS);
    }
  }

  async #round(): Promise<void> {
    const { items } = await this.admin.call<{ readonly items: readonly Claim[] }>(
      '/api/v1/persistentvolumeclaims',
    );
    for (const claim of items) if (this.#isDue(claim)) await this.#provide(claim);
    const uids = new Set(items.map(({ metadata }) => metadata.uid));
    for (const [uid, volume] of this.#made) if (!uids.has(uid)) await this.#remove(uid, volume);
  }

  #isDue({ metadata, spec }: Claim): boolean {
    const made = this.classes.find(({ name }) => name === spec.storageClassName);
    if (made === undefined || spec.volumeName !== undefined) return false;
    const isWanted = made.binding === 'Immediate' || metadata.annotations?.[SELECTED_NODE] !== undefined;
    return isWanted && ![...this.#held].some((holds) => holds(metadata));
  }

  async #provide({ metadata: { namespace, name, uid }, spec }: Claim): Promise<void> {
    const { volumeMode = 'Filesystem', storageClassName = '', resources } = spec;
    const bytes = bytesOf(resources.requests.storage) + MORE_BYTES[volumeMode];
    const volume = this.#made.get(uid) ?? (await this.#make(uid, volumeMode, bytes));
    this.#made.set(uid, volume);
    const claim = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name, uid };
    const object = localVolume(volume, this.node.name, { volumeMode, bytes, storageClass: storageClassName });
    await this.admin
      .create(VOLUMES, { ...object, spec: { ...object.spec, claimRef: claim } })
      .catch((error: unknown) => {
        // Made in a round before, and not bound yet.
        if (!(error instanceof KubernetesRefused) || error.reason !== 'AlreadyExists') throw error;
      });
  }

  async #make(uid: string, volumeMode: 'Block' | 'Filesystem', bytes: number): Promise<NodeVolume> {
    const folder = this.node.volumes;
    await mkdir(folder, { recursive: true });
    const [name, path] = [`pvc-${uid}`, join(folder, `pvc-${uid}.img`)];
    await using file = await open(path, 'w');
    await file.truncate(bytes);
    if (volumeMode === 'Block') {
      const stale = Buffer.alloc(MIB, 0xa5);
      for (let at = 0; at < bytes; at += MIB) await file.write(stale, 0, Math.min(MIB, bytes - at), at);
    }
    return { name, path, device: await loopDevice(path) };
  }

  async #remove(uid: string, { name, path, device }: NodeVolume): Promise<void> {
    await this.admin.remove(`${VOLUMES}/${name}`).catch((error: unknown) => {
      if (!(error instanceof KubernetesRefused) || error.status !== 404) throw error;
    });
    await detachLoop(device);
    await rm(path, { force: true });
    this.#made.delete(uid);
  }
}

/** As claims of Ledgerlift ask for storage: bytes, or Mi. */
function bytesOf(storage: string): number {
  const [, number = '', unit] = /^(\d+)(Mi|Gi)?$/.exec(storage) ?? [];
  if (number === '') throw new Error(`a claim asks for ${storage}`);
  return Number(number) * (unit === 'Gi' ? 1024 * MIB : unit === 'Mi' ? MIB : 1);
}
