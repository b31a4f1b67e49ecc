import type { WorkerPods } from '@ledgerlift/contracts';
import { targetRoles } from '@ledgerlift/targets';
import {
  type ApiServerProxy,
  type Kubernetes,
  type KubernetesNode,
  kubevirtDomains,
  startKubernetes,
  until,
  workerImage,
} from '@ledgerlift/testing';
import { Installation, type InstallationOptions, type PrepareOptions } from './installation.js';

export const NAMESPACE = 'vms';
/** Whoever is asked for a volume of these classes makes none: a spec makes those that its VM needs. */
export const CLASSES = { disks: 'block', scratch: 'files' } as const;
const ACCOUNT = { namespace: 'ledgerlift', name: 'migrator' } as const;
const A_DAY = 86_400;

/** Where VMs come from, and what worker pods need to read them. */
export interface ClusterSource extends Pick<PrepareOptions, 'source' | 'storage'> {
  readonly worker: Partial<WorkerPods>;
}

interface Machine {
  readonly spec: {
    readonly template: { readonly spec: { readonly volumes: readonly { readonly name: string }[] } };
  };
}

export interface ClusterOptions extends Pick<InstallationOptions, 'secrets'> {
  /** By default the folder `ovas`. */
  readonly from?: (node: KubernetesNode) => Promise<ClusterSource>;
  /** Of the services. */
  readonly env?: Readonly<Record<string, string>>;
  /** In which VMs may be; by default `vms`. */
  readonly namespaces?: readonly string[];
}

/**
 * A whole Ledgerlift beside a real cluster with one node, on which its worker pods run: as a user has it, but for VMs, which nothing
 * starts there. It asks the API server through a proxy, as an account that has the rights that we print and no others.
 */
export class InstallationWithCluster implements AsyncDisposable {
  private constructor(
    readonly kubernetes: Kubernetes,
    /** Between the services and the API server; what a spec itself asks, and the node, does not go through it. */
    readonly proxy: ApiServerProxy,
    readonly installation: Installation,
    private readonly namespaces: readonly string[],
  ) {}

  /** Has a provider for the cluster, and mappings of the folder `ovas` into it. */
  static async start({
    env = {},
    secrets = {},
    namespaces = [NAMESPACE],
    from,
  }: ClusterOptions = {}): Promise<InstallationWithCluster> {
    const kubernetes = await startKubernetes({ extras: 'admission', node: true });
    try {
      const { admin, node } = kubernetes;
      await node.importImage(workerImage());
      for (const name of [ACCOUNT.namespace, ...namespaces])
        await admin.create('/api/v1/namespaces', { metadata: { name } });
      const token = await admin.serviceAccount(ACCOUNT.namespace, ACCOUNT.name, A_DAY);
      await giveRoles(kubernetes, namespaces);
      const proxy = await kubernetes.proxy();
      const installation = await Installation.start({
        bus: 'operator',
        secrets: { ...secrets, cluster: { kubeconfig: await kubernetes.kubeconfig({ token }, proxy.url) } },
        env,
      });
      const made = new InstallationWithCluster(kubernetes, proxy, installation, namespaces);
      await made.sayVmsCanRun();
      await made.#prepare(await from?.(node));
      return made;
    } catch (error) {
      await kubernetes.stop();
      throw error;
    }
  }

  /** Says of the node what virt-handler says of one on which VMs can run: for a node that has just joined the cluster. */
  async sayVmsCanRun(): Promise<void> {
    const { admin, node } = this.kubernetes;
    const labels = { 'kubevirt.io/schedulable': 'true' };
    await admin.patch(`/api/v1/nodes/${node.name}`, { metadata: { labels } });
  }

  async #prepare({ worker, ...from }: Partial<ClusterSource> = {}): Promise<void> {
    const { node } = this.kubernetes;
    const port = await node.publish(Number(new URL(this.installation.nats.url).port));
    const ovas = this.installation.folder.file('ovas');
    await this.installation.prepare({
      ...from,
      target: {
        name: 'out',
        type: 'kubevirt',
        secret: { name: 'cluster' },
        settings: {
          access: { kind: 'kubeconfig' },
          namespaces: this.namespaces,
          worker: {
            image: 'local.test/ledgerlift:1',
            natsUrl: `nats://${node.address}:${port}`,
            scratchStorageClass: CLASSES.scratch,
            virtualization: 'emulated',
            requests: { cpu: '100m', memory: '128Mi' },
            volumes: [{ mountPath: ovas, volume: { hostPath: { path: ovas } } }],
            ...worker,
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

  /** Names of what is in the namespace of the VMs, by kind; logs as they are claimed. */
  async listing(): Promise<Readonly<Record<string, readonly string[]>>> {
    interface Listed {
      readonly metadata: { readonly name: string };
      readonly data?: Readonly<Record<string, string>>;
    }
    const names = async (
      path: string,
      nameOf = ({ metadata }: Listed): string => metadata.name,
    ): Promise<readonly string[]> => {
      const { items } = await this.kubernetes.admin.call<{ readonly items: readonly Listed[] }>(path);
      return items.map(nameOf).toSorted();
    };
    const core = `/api/v1/namespaces/${NAMESPACE}`;
    return {
      pods: await names(`${core}/pods`),
      secrets: await names(`${core}/secrets`),
      claims: await names(`${core}/persistentvolumeclaims`),
      // Kubernetes has a ConfigMap of its own in each namespace.
      logs: await names(
        `${core}/configmaps?labelSelector=ledgerlift.io/vm`,
        ({ data }) => data?.['log'] ?? '',
      ),
      vms: await names(`/apis/kubevirt.io/v1/namespaces/${NAMESPACE}/virtualmachines`),
    };
  }

  /** The libvirt domain that KubeVirt would start of a VM whose claims are block devices, and the names of its volumes. */
  async domainOf(name: string): Promise<{ readonly xml: string; readonly volumes: readonly string[] }> {
    const path = `/apis/kubevirt.io/v1/namespaces/${NAMESPACE}/virtualmachines/${name}`;
    const vm = await this.kubernetes.admin.call<Machine>(path);
    const volumes = vm.spec.template.spec.volumes.map((volume) => volume.name);
    const [domain] = await kubevirtDomains([{ vm, block: volumes }], 'emulated');
    if (domain === undefined || 'refused' in domain) throw new Error(`KubeVirt refuses: ${domain?.refused}`);
    return { xml: domain.xml, volumes };
  }

  claim(name: string): Promise<unknown> {
    return this.kubernetes.admin.call(`/api/v1/namespaces/${NAMESPACE}/persistentvolumeclaims/${name}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.installation[Symbol.asyncDispose]();
    await this.kubernetes.stop();
  }
}

/** Applies what `ledgerlift kubevirt role` prints, and waits until it counts. */
export async function giveRoles({ admin }: Kubernetes, namespaces: readonly string[]): Promise<void> {
  const role = targetRoles().find(({ type }) => type === 'kubevirt')?.role;
  if (role === undefined) throw new Error('there is no role for a cluster');
  const manifest = role.manifest({ account: ACCOUNT, namespaces });
  for (const document of manifest.split(/^---\n/m).filter((text) => text.trim() !== '')) {
    const [, kind = ''] = /^kind: (\w+)$/m.exec(document) ?? [];
    const [, namespace] = /^ {2}namespace: (\S+)$/m.exec(document) ?? [];
    const within = namespace === undefined ? '' : `/namespaces/${namespace}`;
    await admin.call(`/apis/rbac.authorization.k8s.io/v1${within}/${kind.toLowerCase()}s`, {
      method: 'POST',
      contentType: 'application/yaml',
      body: document,
    });
  }
  for (const namespace of namespaces)
    await until(`the role in ${namespace} counts`, async () => {
      const review = await admin.create<{ readonly status: { readonly allowed: boolean } }>(
        '/apis/authorization.k8s.io/v1/subjectaccessreviews',
        {
          spec: {
            user: `system:serviceaccount:${ACCOUNT.namespace}:${ACCOUNT.name}`,
            resourceAttributes: { namespace, verb: 'delete', resource: 'pods' },
          },
        },
      );
      return review.status.allowed;
    });
}
