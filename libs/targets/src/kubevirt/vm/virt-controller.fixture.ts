import { INSTANCES, NAMESPACE, type TestCluster } from '../at-cluster.fixture.js';
import { type ApiResource, resources } from '../resources.js';
import type { KubernetesConnection } from '../connection.js';

const signal = AbortSignal.timeout(280_000);

/** In place of KubeVirt's controller, which alone may write the status of an instance: KubeVirt's admission drops what others write. */
export class VirtController {
  private constructor(
    readonly cluster: TestCluster,
    readonly connection: KubernetesConnection,
  ) {}

  static async of(cluster: TestCluster): Promise<VirtController> {
    return new VirtController(cluster, await cluster.as('kubevirt', 'kubevirt-controller'));
  }

  /** What it makes of a VM that is to run. */
  async start(name: string, status: object): Promise<void> {
    await this.connection.call({
      verb: 'create',
      kind: resources.instances,
      address: { namespace: NAMESPACE },
      body: {
        apiVersion: 'kubevirt.io/v1',
        kind: 'VirtualMachineInstance',
        metadata: { name, namespace: NAMESPACE },
        spec: { domain: { devices: {}, memory: { guest: '1Gi' } } },
      },
      signal,
    });
    await this.tell(resources.instances, name, status);
  }

  /** Writes the status of a VM or of its instance. */
  async tell(kind: ApiResource, name: string, status: object): Promise<void> {
    // An instance has no status of its own path.
    await this.#patch(kind, name, { status }, kind === resources.vms ? 'status' : undefined);
  }

  /** What it does once a VM has shut down: its finalizer keeps an instance until then. */
  async end(name: string): Promise<void> {
    await this.cluster.kubernetes.admin.remove(`${INSTANCES}/${name}`);
    await this.#patch(resources.instances, name, { metadata: { finalizers: null } });
  }

  async #patch(kind: ApiResource, name: string, body: object, subresource?: string): Promise<void> {
    const address = { namespace: NAMESPACE, name, subresource };
    const contentType = 'application/merge-patch+json';
    await this.connection.call({ verb: 'patch', kind, address, contentType, body, signal });
  }
}

/** The pod that a VM runs in. */
export const launcherOf = (name: string): object => ({
  metadata: {
    name: `virt-launcher-${name}`,
    labels: { 'kubevirt.io': 'virt-launcher', 'vm.kubevirt.io/name': name },
  },
  spec: {
    nodeName: 'nowhere',
    containers: [{ name: 'c', image: 'none' }],
    tolerations: [{ operator: 'Exists' }],
  },
});
