import { type Kubernetes, startKubernetes, workerImage } from '@ledgerlift/testing';
import { Installation } from './installation.js';

export const NAMESPACE = 'vms';
/** Whoever is asked for a volume of these classes makes none: a spec makes those that its VM needs. */
export const CLASSES = { disks: 'block', scratch: 'files' } as const;

/**
 * A whole Ledgerlift beside a real cluster with one node, on which its worker pods run: as a user has it, but for VMs, which nothing
 * starts there.
 */
export class InstallationWithCluster implements AsyncDisposable {
  private constructor(
    readonly kubernetes: Kubernetes,
    readonly installation: Installation,
  ) {}

  /** Has a provider for the cluster, and mappings of the folder `ovas` into it. */
  static async start(env: Readonly<Record<string, string>> = {}): Promise<InstallationWithCluster> {
    const kubernetes = await startKubernetes({ extras: 'admission', node: true });
    try {
      const { admin, node } = kubernetes;
      await node.importImage(workerImage());
      // What virt-handler says of a node on which VMs can run.
      const labels = { 'kubevirt.io/schedulable': 'true' };
      await admin.patch(`/api/v1/nodes/${node.name}`, { metadata: { labels } });
      await admin.create('/api/v1/namespaces', { metadata: { name: NAMESPACE } });
      const installation = await Installation.start({
        bus: 'operator',
        secrets: { cluster: { kubeconfig: await kubernetes.kubeconfig() } },
        env,
      });
      const made = new InstallationWithCluster(kubernetes, installation);
      await made.#prepare();
      return made;
    } catch (error) {
      await kubernetes.stop();
      throw error;
    }
  }

  async #prepare(): Promise<void> {
    const { node } = this.kubernetes;
    const port = await node.publish(Number(new URL(this.installation.nats.url).port));
    const ovas = this.installation.folder.file('ovas');
    await this.installation.prepare({
      target: {
        name: 'out',
        type: 'kubevirt',
        secret: { name: 'cluster' },
        settings: {
          access: { kind: 'kubeconfig' },
          namespaces: [NAMESPACE],
          worker: {
            image: 'local.test/ledgerlift:1',
            natsUrl: `nats://${node.address}:${port}`,
            scratchStorageClass: CLASSES.scratch,
            virtualization: 'emulated',
            requests: { cpu: '100m', memory: '128Mi' },
            volumes: [{ mountPath: ovas, volume: { hostPath: { path: ovas } } }],
          },
        },
      },
      storageDestination: {
        storageClass: CLASSES.disks,
        accessMode: 'ReadWriteOnce',
        volumeMode: 'Block',
      },
    });
  }

  /** Names of what is in the namespace of the VMs, by kind. */
  async listing(): Promise<Readonly<Record<string, readonly string[]>>> {
    const names = async (path: string): Promise<readonly string[]> => {
      const { items } = await this.kubernetes.admin.call<{
        readonly items: readonly { readonly metadata: { readonly name: string } }[];
      }>(path);
      return items.map(({ metadata }) => metadata.name).toSorted();
    };
    const core = `/api/v1/namespaces/${NAMESPACE}`;
    return {
      pods: await names(`${core}/pods`),
      secrets: await names(`${core}/secrets`),
      claims: await names(`${core}/persistentvolumeclaims`),
      vms: await names(`/apis/kubevirt.io/v1/namespaces/${NAMESPACE}/virtualmachines`),
    };
  }

  claim(name: string): Promise<unknown> {
    return this.kubernetes.admin.call(`/api/v1/namespaces/${NAMESPACE}/persistentvolumeclaims/${name}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.installation[Symbol.asyncDispose]();
    await this.kubernetes.stop();
  }
}
