import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from '../cache-folder.js';
import { PeerMissing } from '../errors.js';
import { folderHash } from '../folder-hash.js';

export type KubernetesProgram =
  | 'etcd'
  | 'kube-apiserver'
  | 'kube-controller-manager'
  | 'kube-scheduler'
  | 'kubelet'
  | 'virt-api'
  | 'domains';

/** An object of Kubernetes, as JSON has it. */
export interface KubernetesObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: { readonly name: string; readonly namespace?: string } & Readonly<
    Record<string, unknown>
  >;
  readonly [field: string]: unknown;
}

/** A webhook configuration as KubeVirt's operator installs it: it calls a service of the cluster. */
export interface WebhookConfiguration extends KubernetesObject {
  readonly kind: 'ValidatingWebhookConfiguration' | 'MutatingWebhookConfiguration';
  readonly webhooks: readonly {
    readonly name: string;
    readonly clientConfig: { readonly service: { readonly path?: string } };
    readonly [field: string]: unknown;
  }[];
}

/** What scripts/install-kubernetes.sh built from the folder `go` beside this file. */
export interface KubernetesInstallation {
  program(name: KubernetesProgram): string;
  /** Those of KubeVirt, CDI, networks and volume snapshots. */
  definitions(): readonly KubernetesObject[];
  webhooks(): readonly WebhookConfiguration[];
  /** Folder with containerd, runc, CNI plugins and libvirt's driver of QEMU. @throws PeerMissing without scripts/install-kubernetes-node.sh */
  debian(): string;
  /** A file with the image of a pod's first container. @throws PeerMissing as `debian` */
  pauseImage(): string;
}

/** @throws PeerMissing where it is not built */
export function kubernetesInstallation(): KubernetesInstallation {
  const hash = folderHash(join(import.meta.dirname, '..', '..', 'src', 'kubernetes', 'go'));
  const parent = cacheFolder('kubernetes');
  const name = existsSync(parent) ? readdirSync(parent).find((each) => each.endsWith(`-${hash}`)) : undefined;
  if (name === undefined)
    throw new PeerMissing('Kubernetes', join(parent, `*-${hash}`), 'bash scripts/install-kubernetes.sh');
  const home = join(parent, name);
  const read = <T>(...names: readonly string[]): T =>
    JSON.parse(readFileSync(join(home, 'manifests', ...names), 'utf8')) as T;
  return {
    program: (program) => join(home, 'bin', program),
    definitions: () =>
      readdirSync(join(home, 'manifests', 'crds'))
        .toSorted()
        .map((file) => read<KubernetesObject>('crds', file)),
    webhooks: () => read<readonly WebhookConfiguration[]>('webhooks.json'),
    debian: () => ofNode('containerd and runc', join(home, 'debian')),
    pauseImage: () => ofNode('the image pause', join(home, 'pause.tar')),
  };
}

function ofNode(what: string, path: string): string {
  if (!existsSync(path)) throw new PeerMissing(what, path, NODE_INSTALLER);
  return path;
}

const NODE_INSTALLER = 'bash scripts/install-kubernetes-node.sh';

/** A file with the image of Ledgerlift's services, for `KubernetesNode.importImage`. @throws PeerMissing where it is not built */
export function workerImage(): string {
  return ofNode("the workers' image", cacheFolder('worker-image', 'image.tar'));
}
