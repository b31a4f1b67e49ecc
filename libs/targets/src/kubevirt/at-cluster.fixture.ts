import type { VmRecord } from '@ledgerlift/contracts';
import {
  type Kubernetes,
  type KubernetesOptions,
  KubernetesRefused,
  startKubernetes,
  until,
} from '@ledgerlift/testing';
import type { Guard } from '../workplace.js';
import type { ClusterCredentials } from './access.js';
import { KubernetesConnection } from './connection.js';
import type { AtCluster } from './ownership.js';
import { missingRights } from './permissions/check.js';
import { rolesFor } from './permissions/roles.js';
import type { WaitTimes } from './until-seen.js';

export const NAMESPACE = 'vms';
export const CLAIMS = `/api/v1/namespaces/${NAMESPACE}/persistentvolumeclaims`;
export const PODS = `/api/v1/namespaces/${NAMESPACE}/pods`;
export const VMS = `/apis/kubevirt.io/v1/namespaces/${NAMESPACE}/virtualmachines`;
export const INSTANCES = `/apis/kubevirt.io/v1/namespaces/${NAMESPACE}/virtualmachineinstances`;
export const QUICK: WaitTimes = { retryMs: [20, 200], lookMs: 60_000, silenceMs: 60_000, refusedMs: 60_000 };
const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const signal = AbortSignal.timeout(280_000);

export const guard: Guard = {
  generation: 1,
  signal,
  stillOurs: () => Promise.resolve(signal.throwIfAborted()),
};
export const tooLate = new Error('this attempt is over');
/** Of an attempt that is over, though it does not know yet. */
export const lateGuard: Guard = { generation: 1, signal, stillOurs: () => Promise.reject(tooLate) };

/** A cluster, and an account with the rights that we print and no others. */
export class TestCluster implements AsyncDisposable {
  readonly #opened: KubernetesConnection[] = [];

  private constructor(
    readonly kubernetes: Kubernetes,
    /** Of the account. */
    readonly credentials: ClusterCredentials,
    readonly connection: KubernetesConnection,
  ) {
    this.#opened.push(connection);
  }

  static async start(options: KubernetesOptions): Promise<TestCluster> {
    const kubernetes = await startKubernetes(options);
    const { admin } = kubernetes;
    for (const name of ['ledgerlift', NAMESPACE])
      await admin.create('/api/v1/namespaces', { metadata: { name } });
    const token = await admin.serviceAccount('ledgerlift', 'migrator');
    const request = { account: { namespace: 'ledgerlift', name: 'migrator' }, namespaces: [NAMESPACE] };
    for (const object of rolesFor(request)) {
      const { namespace } = object.metadata;
      const within = namespace === undefined ? '' : `/namespaces/${namespace}`;
      await admin.create(`${RBAC}${within}/${object.kind.toLowerCase()}s`, object);
    }
    const credentials = credentialsOf(kubernetes, token);
    const cluster = new TestCluster(kubernetes, credentials, connect(credentials));
    await until('the roles count', async () => {
      return (await missingRights(cluster.connection, [NAMESPACE], signal)).length === 0;
    });
    return cluster;
  }

  at(record: VmRecord, by: Guard = guard): AtCluster {
    return { connection: this.connection, record, guard: by };
  }

  /** Whether there is an object at a path of the API. */
  async isThere(path: string): Promise<boolean> {
    try {
      await this.kubernetes.admin.call(path);
      return true;
    } catch (error) {
      if (error instanceof KubernetesRefused && error.status === 404) return false;
      throw error;
    }
  }

  /** As a service account that may do everything, such as one of KubeVirt's own. */
  async as(namespace: string, name: string): Promise<KubernetesConnection> {
    const { admin } = this.kubernetes;
    const token = await admin.serviceAccount(namespace, name);
    await admin.create(`${RBAC}/clusterrolebindings`, {
      metadata: { name: `${namespace}-${name}` },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
      subjects: [{ kind: 'ServiceAccount', namespace, name }],
    });
    const connection = connect(credentialsOf(this.kubernetes, token));
    this.#opened.push(connection);
    return connection;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const connection of this.#opened) await connection.close();
    await this.kubernetes.stop();
  }
}

const credentialsOf = ({ url: server, ca }: Kubernetes, token: string): ClusterCredentials => ({
  server,
  ca,
  serverName: undefined,
  token,
  clientCertificate: undefined,
  from: 'this test',
});
const connect = (credentials: ClusterCredentials): KubernetesConnection =>
  new KubernetesConnection(() => Promise.resolve(credentials));

/** What a promise rejects with. */
export const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

/** A pod that mounts a claim, and is never scheduled: there are no nodes. */
export const podWith = (name: string, claimName: string): object => ({
  metadata: { name },
  spec: {
    nodeName: 'nowhere',
    containers: [{ name: 'c', image: 'none' }],
    volumes: [{ name: 'disk', persistentVolumeClaim: { claimName } }],
    tolerations: [{ operator: 'Exists' }],
  },
});
