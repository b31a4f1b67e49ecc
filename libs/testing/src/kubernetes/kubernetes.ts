import { writeFile } from 'node:fs/promises';
import { PeerFailed } from '../errors.js';
import type { OwnedProcess } from '../processes/index.js';
import { type TemporaryFolder, temporaryFolder } from '../temporary-folder.js';
import { KubernetesAdmin } from './admin.js';
import { ApiServerProxy } from './api-proxy.js';
import {
  type ClusterKeys,
  clusterKeys,
  kubeletAccess,
  startApiServer,
  startControllerManager,
  startEtcd,
  startScheduler,
} from './control-plane.js';
import { kubernetesInstallation } from './installed.js';
import { type KubeconfigUser, kubeconfigOf } from './kubeconfig.js';
import { installDefinitions, startAdmission } from './kubevirt.js';
import { KubernetesNode, type NodeVolume, type VolumeRequest } from './node/index.js';
import { untilReady } from './ready.js';

export interface KubernetesOptions {
  /** What is installed of KubeVirt, CDI, networks and snapshots; by default their definitions, without KubeVirt's admission. */
  readonly extras?: 'none' | 'definitions' | 'admission';
  /** Runs the controllers: of service accounts, quotas, namespaces and garbage. By default only with a node. */
  readonly controllerManager?: boolean;
  /** Runs the scheduler and a node with kubelet and containerd, so that pods run. Needs root. By default there is none. */
  readonly node?: boolean;
  /** More arguments of kube-apiserver, such as limits that a test wants to reach. */
  readonly apiServerArguments?: readonly string[];
}

/**
 * A real Kubernetes API on 127.0.0.1, with etcd behind it and RBAC before it. Without a node, pods stay pending.
 * Its port and its data stay the same over restarts.
 */
export class Kubernetes implements AsyncDisposable {
  readonly url: string;
  /** May do everything. */
  readonly admin: KubernetesAdmin;
  /** PEM of who signed the API server's certificate. */
  readonly ca: string;
  readonly apiServer: OwnedProcess;
  /** Where its data and keys are until it is stopped. */
  readonly folder: string;
  readonly #keys: ClusterKeys;
  readonly #others: readonly OwnedProcess[];
  readonly #node: KubernetesNode | undefined;
  readonly #folder: TemporaryFolder;
  readonly #proxies: ApiServerProxy[] = [];

  private constructor(
    keys: ClusterKeys,
    admin: KubernetesAdmin,
    ca: string,
    apiServer: OwnedProcess,
    others: readonly OwnedProcess[],
    node: KubernetesNode | undefined,
    folder: TemporaryFolder,
  ) {
    this.url = keys.url;
    this.admin = admin;
    this.ca = ca;
    this.apiServer = apiServer;
    this.folder = folder.path;
    this.#keys = keys;
    this.#others = others;
    this.#node = node;
    this.#folder = folder;
  }

  /** Starts it and waits until it answers. @throws PeerMissing, PeerFailed when it does not start */
  static async start(options: KubernetesOptions = {}): Promise<Kubernetes> {
    const { extras = 'definitions', node: withNode = false, apiServerArguments = [] } = options;
    const { controllerManager = withNode } = options;
    const installation = kubernetesInstallation();
    const folder = temporaryFolder('kubernetes');
    // In the order in which they are ended.
    const processes: OwnedProcess[] = [];
    let node: KubernetesNode | undefined;
    try {
      const keys = await clusterKeys(folder);
      const admin = await KubernetesAdmin.of(keys.url, keys.authority, keys.admin);
      const { etcd, url } = await startEtcd(installation, folder);
      processes.unshift(etcd);
      const access = withNode ? kubeletAccess(keys) : [];
      const apiServer = await startApiServer(installation, keys, url, [...access, ...apiServerArguments]);
      processes.unshift(apiServer);
      await isReady(apiServer, admin);
      if (controllerManager) {
        const kubeconfig = await kept(folder, 'controller-manager', keys, keys.controllerManager);
        processes.unshift(await startControllerManager(installation, keys, kubeconfig));
      }
      if (withNode) {
        const kubeconfig = await kept(folder, 'scheduler', keys, keys.scheduler);
        processes.unshift(await startScheduler(installation, kubeconfig));
        node = await KubernetesNode.start(installation, admin, keys, folder.path);
      }
      if (extras !== 'none') await installDefinitions(admin, installation.definitions());
      if (extras === 'admission') {
        const kubeconfig = await kept(folder, 'admin', keys, keys.admin);
        processes.unshift(await startAdmission(installation, admin, keys, kubeconfig));
      }
      const others = processes.filter((process) => process !== apiServer);
      return new Kubernetes(keys, admin, await keys.authority.pem(), apiServer, others, node, folder);
    } catch (error) {
      await end(processes, node, folder);
      throw error;
    }
  }

  /** Text of a kubeconfig for the administrator, or for whoever has a token. @param server such as that of a proxy */
  kubeconfig(user: KubeconfigUser = this.#keys.admin, server?: string): Promise<string> {
    return kubeconfigOf(this.#keys, user, server);
  }

  /** Starts a proxy in front of the API server, with a certificate that the same authority signed. Ended with the cluster. */
  async proxy(): Promise<ApiServerProxy> {
    const { url, ca } = this;
    const proxy = await ApiServerProxy.start({ server: url, ca, certificate: this.#keys.server });
    this.#proxies.push(proxy);
    return proxy;
  }

  /** kill -9 of the API server. */
  async kill(): Promise<void> {
    await this.apiServer.kill();
  }

  /** kill -9 of the API server where it runs, then a start on the same data and port; waits until it answers. */
  async restart(): Promise<void> {
    await this.apiServer.restart();
    await isReady(this.apiServer, this.admin);
  }

  /** Ends everything, and removes its folder. */
  async stop(): Promise<void> {
    for (const proxy of this.#proxies.splice(0)) await proxy[Symbol.asyncDispose]();
    await end([this.apiServer, ...this.#others], this.#node, this.#folder);
  }

  /** The node that runs pods. @throws PeerFailed when it was started without one */
  get node(): KubernetesNode {
    if (this.#node === undefined) throw new PeerFailed('Kubernetes', 'was started without `node: true`', []);
    return this.#node;
  }

  /** Makes a persistent volume that is a block device on the node. It is removed with the cluster. */
  blockVolume(request: VolumeRequest): Promise<NodeVolume> {
    return this.node.createVolume('Block', request);
  }

  /** Makes a persistent volume with an ext4 file system of its own on the node. It is removed with the cluster. */
  fileVolume(request: VolumeRequest): Promise<NodeVolume> {
    return this.node.createVolume('Filesystem', request);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** Starts a Kubernetes of a test's own. @throws PeerMissing, PeerFailed when it does not start */
export function startKubernetes(options: KubernetesOptions = {}): Promise<Kubernetes> {
  return Kubernetes.start(options);
}

function isReady(apiServer: OwnedProcess, admin: KubernetesAdmin): Promise<void> {
  return untilReady(apiServer, async () => (await admin.call('/readyz')) === 'ok');
}

/** A kubeconfig as a file. @returns its path */
async function kept(
  folder: TemporaryFolder,
  name: string,
  keys: ClusterKeys,
  user: KubeconfigUser,
): Promise<string> {
  const path = folder.file(`${name}.kubeconfig`);
  await writeFile(path, await kubeconfigOf(keys, user), { mode: 0o600 });
  return path;
}

/** Nothing of a test's cluster is worth an orderly end: an API server takes up to a minute for one. */
async function end(
  processes: readonly OwnedProcess[],
  node: KubernetesNode | undefined,
  folder: TemporaryFolder,
): Promise<void> {
  await node?.stop();
  for (const process of processes) await process.killGroup();
  await folder.remove();
}
