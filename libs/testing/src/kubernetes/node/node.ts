import { createServer, connect, type Server } from 'node:net';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { once } from 'node:events';
import { freePort, OwnedProcess } from '../../processes/index.js';
import type { KubernetesAdmin } from '../admin.js';
import type { ClusterKeys } from '../control-plane.js';
import type { KubernetesInstallation } from '../installed.js';
import { kubeconfigOf } from '../kubeconfig.js';
import { untilReady } from '../ready.js';
import { until } from '../../until.js';
import {
  containerdSocket,
  containerdToml,
  kubeletConfiguration,
  networkConfiguration,
  type NodeSettings,
} from './configuration.js';
import { NodeMachine, processesOfPods } from './machine.js';
import { run } from './run.js';
import { createVolume, type NodeVolume, type VolumeRequest } from './volumes.js';

const NAME = 'node1';
const script = join(import.meta.dirname, '..', '..', '..', 'node', 'run-node.sh');

/**
 * A node with kubelet and containerd in namespaces of its own, which runs pods. They reach this machine at `address`.
 *
 * All of its processes are killed with the process that started it, however that ends.
 */
export class KubernetesNode {
  /** By which pods are assigned to it. */
  readonly name = NAME;
  readonly #servers = new Set<Server>();

  private constructor(
    private readonly admin: KubernetesAdmin,
    private readonly settings: NodeSettings,
    /** What it holds of this machine. */
    readonly machine: NodeMachine,
    /** containerd, kubelet and all pods. */
    readonly process: OwnedProcess,
  ) {}

  /** Starts it, and waits until it is ready for pods. @param cluster the cluster's folder */
  static async start(
    installation: KubernetesInstallation,
    admin: KubernetesAdmin,
    keys: ClusterKeys,
    cluster: string,
  ): Promise<KubernetesNode> {
    const folder = join(cluster, 'node');
    const machine = await NodeMachine.take(cluster);
    let started: OwnedProcess | undefined;
    try {
      const settings = await writeSettings(installation, keys, folder, machine);
      started = await OwnedProcess.start({
        name: 'node',
        command: 'unshare',
        args: [
          ...['--mount', '--pid', '--fork', '--kill-child=KILL'],
          ...[
            'sh',
            script,
            folder,
            installation.program('kubelet'),
            settings.programs,
            NAME,
            machine.address,
          ],
        ],
      });
      const node = new KubernetesNode(admin, settings, machine, started);
      await untilReady(started, async () => (await run(node.#ctr, ...node.#ctrArguments('version'))) !== '');
      await node.importImage(installation.pauseImage());
      await untilReady(started, () => isReady(admin));
      return node;
    } catch (error) {
      await started?.killGroup();
      await machine.release();
      throw error;
    }
  }

  /** Of this machine, for pods. A server must listen on it, or on all addresses, to be reached; see `publish`. */
  get address(): string {
    return this.settings.address;
  }

  /** Makes the images of a file in OCI's layout known to the node: pods name them with `imagePullPolicy: Never`. */
  async importImage(file: string): Promise<void> {
    await run(this.#ctr, ...this.#ctrArguments('--namespace', 'k8s.io', 'images', 'import', file));
  }

  /** Lets pods reach a port of 127.0.0.1, until the node is stopped. @returns the port at `address` */
  async publish(port: number): Promise<number> {
    const server = createServer((socket) => {
      const inner = connect(port, '127.0.0.1');
      socket.pipe(inner).pipe(socket);
      for (const [one, other] of [
        [socket, inner],
        [inner, socket],
      ] as const)
        one.on('error', () => other.destroy()).on('close', () => other.destroy());
    });
    this.#servers.add(server);
    server.listen(0, this.address);
    await once(server, 'listening');
    const bound = server.address();
    if (bound === null || typeof bound === 'string') throw new Error(`no port at ${this.address}`);
    return bound.port;
  }

  /** kill -9 of a container's processes. @param id as a pod's status has it: `containerd://…` */
  async killContainer(id: string): Promise<void> {
    const task = id.replace('containerd://', '');
    await run(
      this.#ctr,
      ...this.#ctrArguments('--namespace', 'k8s.io', 'tasks', 'kill', '--signal', 'SIGKILL', task),
    );
  }

  /** Processes of its pods, by the pod's uid, as the kernel has them; without those that only hold a pod together. */
  podProcesses(): Promise<ReadonlyMap<string, readonly number[]>> {
    return processesOfPods(this.machine.cgroup);
  }

  createVolume(volumeMode: 'Block' | 'Filesystem', request: VolumeRequest): Promise<NodeVolume> {
    const place = { folder: this.volumes, node: NAME };
    return createVolume(this.admin, place, volumeMode, request);
  }

  /** Folder of the files behind its volumes. */
  get volumes(): string {
    return join(this.settings.folder, 'volumes');
  }

  /** kill -9 of kubelet, containerd and every pod, as of a machine without power; its Node object goes, as that of one which does not come back. */
  async lose(): Promise<void> {
    await this.process.killGroup();
    // The kernel ends what is in its namespaces only afterwards.
    await until('the end of its pods', async () => (await this.podProcesses()).size === 0);
    await this.admin.remove(`/api/v1/nodes/${NAME}`);
  }

  /** Starts it again after `lose`, with the same disks and images; waits until it is ready for pods. */
  async comeBack(): Promise<void> {
    await rm(containerdSocket(this.settings.folder), { force: true });
    await this.process.restart();
    await untilReady(
      this.process,
      async () => (await run(this.#ctr, ...this.#ctrArguments('version'))) !== '',
    );
    await untilReady(this.process, () => isReady(this.admin));
  }

  /** Kills it with all pods, and gives back what the kernel holds for it. Its folder is the caller's. */
  async stop(): Promise<void> {
    for (const server of this.#servers) server.close();
    await this.process.killGroup();
    await this.machine.release();
  }

  get #ctr(): string {
    return join(this.settings.programs, 'usr', 'bin', 'ctr');
  }

  #ctrArguments(...args: readonly string[]): readonly string[] {
    return ['--address', containerdSocket(this.settings.folder), ...args];
  }
}

async function writeSettings(
  installation: KubernetesInstallation,
  keys: ClusterKeys,
  folder: string,
  machine: NodeMachine,
): Promise<NodeSettings> {
  const pki = join(folder, 'pki');
  await mkdir(pki, { mode: 0o700, recursive: true });
  await mkdir(join(folder, 'cni'));
  const { address, bridge, cgroup, subnet } = machine;
  const [user, server] = await Promise.all([
    keys.authority.sign(pki, 'node', `/O=system:nodes/CN=system:node:${NAME}`),
    keys.authority.sign(pki, 'kubelet', `/CN=${NAME}`, [`IP:${address}`, `DNS:${NAME}`]),
  ]);
  const settings: NodeSettings = {
    ...{ folder, programs: installation.debian(), cgroup, bridge, address, subnet },
    ...{ authority: keys.authority.certificate, certificate: server.certificate, key: server.key },
  };
  const write = (name: string, text: string) => writeFile(join(folder, name), text, { mode: 0o600 });
  await write('containerd.toml', containerdToml(settings));
  await write('cni/10-pods.conflist', JSON.stringify(networkConfiguration(settings)));
  await write('kubelet.json', JSON.stringify(kubeletConfiguration(settings, await freePort())));
  await write('kubelet.kubeconfig', await kubeconfigOf(keys, user));
  return settings;
}

async function isReady(admin: KubernetesAdmin): Promise<boolean> {
  const { status, spec } = await admin.call<{
    readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
    readonly spec: { readonly taints?: readonly unknown[] };
  }>(`/api/v1/nodes/${NAME}`);
  const ready = status?.conditions?.some((each) => each.type === 'Ready' && each.status === 'True') ?? false;
  return ready && spec.taints === undefined;
}
