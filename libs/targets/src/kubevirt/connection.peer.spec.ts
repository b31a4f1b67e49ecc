import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdir, writeFile } from 'node:fs/promises';
import { HANGS_MS, type Kubernetes, startKubernetes, temporaryFolder, until } from '@ledgerlift/testing';
import type { ClusterAccess } from '@ledgerlift/contracts';
import { type PodPlace, readCredentials } from './access.js';
import type { ApiResource } from './resources.js';
import { type ApiRequest, KubernetesConnection } from './connection.js';
import {
  KubernetesAlreadyExists,
  KubernetesCertificateRefused,
  KubernetesConflict,
  KubernetesForbidden,
  KubernetesLoginRefused,
  KubernetesNotFound,
  KubernetesRefused,
  KubernetesUnreachable,
} from './errors.js';

const configMaps: ApiResource = { group: '', version: 'v1', resource: 'configmaps', scope: 'namespace' };
const pods: ApiResource = { group: '', version: 'v1', resource: 'pods', scope: 'namespace' };
const volumes: ApiResource = { ...pods, resource: 'persistentvolumeclaims' };
const widgets: ApiResource = {
  group: 'acme.example',
  version: 'v1',
  resource: 'widgets',
  scope: 'namespace',
};
const signal = AbortSignal.timeout(240_000);
const namespace = 'vms';

const secrets = temporaryFolder('secrets');
let kubernetes: Kubernetes;
let token: string;
const opened: KubernetesConnection[] = [];

beforeAll(async () => {
  process.env['LEDGERLIFT_SECRETS_DIR'] = secrets.path;
  kubernetes = await startKubernetes({ extras: 'none' });
  token = await migrator(kubernetes);
  await secret('cluster', { token, 'ca.crt': kubernetes.ca });
  const connection = asMigrator();
  await allowed(() => connection.call(list));
});
afterAll(async () => {
  for (const connection of opened) await connection.close();
  await kubernetes.stop();
  await secrets.remove();
});

async function secret(name: string, values: Readonly<Record<string, string>>): Promise<void> {
  await mkdir(secrets.file(name), { recursive: true });
  for (const [key, value] of Object.entries(values)) await writeFile(secrets.file(name, key), value);
}

/** Makes the account `migrator`, which may do some things in one namespace. @returns its token */
async function migrator(to: Kubernetes): Promise<string> {
  await to.admin.create('/api/v1/namespaces', { metadata: { name: namespace } });
  const issued = await to.admin.serviceAccount(namespace, 'migrator');
  await allow(to, ['configmaps', 'persistentvolumeclaims'], ['get', 'list', 'create', 'update', 'patch']);
  return issued;
}

/** Gives the account these rights in the namespace. */
async function allow(
  to: Kubernetes,
  resources: readonly string[],
  verbs: readonly string[],
  name = 'migrator',
): Promise<void> {
  const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`;
  await to.admin.create(`${rbac}/roles`, {
    metadata: { name },
    rules: [{ apiGroups: [''], resources, verbs }],
  });
  await to.admin.create(`${rbac}/rolebindings`, {
    metadata: { name },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
    subjects: [{ kind: 'ServiceAccount', name, namespace }],
  });
}

/** The API server learns of a role by a watch, shortly after it was made. */
async function allowed(ask: () => Promise<unknown>): Promise<void> {
  await until('the role counts', async () => !((await failure(ask())) instanceof KubernetesForbidden));
}

function connect(
  read: ConstructorParameters<typeof KubernetesConnection>[0],
  silenceMs = 60_000,
): KubernetesConnection {
  const connection = new KubernetesConnection(read, { silenceMs });
  opened.push(connection);
  return connection;
}
const byToken = (): ClusterAccess => ({ kind: 'token', url: kubernetes.url });
const asMigrator = (silenceMs?: number): KubernetesConnection =>
  connect(() => readCredentials(byToken(), 'cluster'), silenceMs);

const list: ApiRequest = { verb: 'list', kind: configMaps, address: { namespace }, signal };
const create = (name: string, more: object = {}): ApiRequest => ({
  ...list,
  verb: 'create',
  body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { a: '1' }, ...more },
});
const failure = async (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => undefined,
    (error: unknown) => error,
  );

describe('the way into a cluster', () => {
  it.each<[string, () => Promise<[ClusterAccess, string | undefined, PodPlace?]>]>([
    ['a token, and the authority beside it', () => Promise.resolve([byToken(), 'cluster'])],
    [
      'a kubeconfig',
      async () => {
        await secret('config', { kubeconfig: await kubernetes.kubeconfig({ token }) });
        return [{ kind: 'kubeconfig', context: 'test' }, 'config'];
      },
    ],
    [
      "the pod's service account",
      () =>
        Promise.resolve([
          { kind: 'in-cluster' },
          undefined,
          { folder: secrets.file('cluster'), host: '127.0.0.1', port: new URL(kubernetes.url).port },
        ]),
    ],
  ])('is found by %s', async (_, given) => {
    const [access, name, pod] = await given();
    const answer = await connect(() => readCredentials(access, name, pod)).call(list);
    expect(answer).toMatchObject({ kind: 'ConfigMapList' });
  });

  it('is found by a client certificate', async () => {
    await secret('admin', { kubeconfig: await kubernetes.kubeconfig() });
    const answer = connect(() => readCredentials({ kind: 'kubeconfig' }, 'admin')).call({
      ...list,
      kind: pods,
    });
    expect(await answer).toMatchObject({ kind: 'PodList' });
  });

  it('needs somebody that the API server knows, and reads the secret again when it was replaced', async () => {
    const stale = 'eyJhbGciOiJub25lIn0.c3RhbGU.eA';
    await secret('rotated', { token: stale, 'ca.crt': kubernetes.ca });
    const connection = connect(() => readCredentials(byToken(), 'rotated'));
    const error = await failure(connection.call(list));
    expect(error).toBeInstanceOf(KubernetesLoginRefused);
    expect(error).toMatchObject({ code: 'LL-KUB-002', failure: 'needs-operator' });
    expect(JSON.stringify([error, String(error)])).not.toContain(stale);
    await secret('rotated', { token });
    expect(await connection.call(list)).toMatchObject({ kind: 'ConfigMapList' });
  });

  it('is not taken where the certificate is not trusted', async () => {
    const credentials = await readCredentials(byToken(), 'cluster');
    const unknown = await failure(
      connect(() => Promise.resolve({ ...credentials, ca: undefined })).call(list),
    );
    expect(unknown).toBeInstanceOf(KubernetesCertificateRefused);
    const elsewhere = { ...credentials, serverName: 'elsewhere.example' };
    expect(await failure(connect(() => Promise.resolve(elsewhere)).call(list))).toMatchObject({
      code: 'LL-KUB-004',
      failure: 'needs-operator',
      reason: 'it is for another name',
    });
  });

  it('is gone while the API server is, and there again with it', async () => {
    const connection = asMigrator();
    await connection.call(list);
    await kubernetes.kill();
    const error = await failure(connection.call(list));
    expect(error).toBeInstanceOf(KubernetesUnreachable);
    expect(error).toMatchObject({ code: 'LL-KUB-001', failure: 'transient', reason: 'ECONNREFUSED' });
    await kubernetes.restart();
    expect(await connection.call(list)).toMatchObject({ kind: 'ConfigMapList' });
  });

  it('is given up when the API server is silent, or the caller stops waiting', async () => {
    await kubernetes.apiServer.pause();
    try {
      expect(await failure(asMigrator(300).call(list))).toMatchObject({
        code: 'LL-KUB-001',
        reason: 'it was silent for 300 ms',
      });
      const stop = new AbortController();
      const waiting = failure(asMigrator().call({ ...list, signal: stop.signal }));
      const reason = new Error('stopped');
      stop.abort(reason);
      expect(await waiting).toBe(reason);
    } finally {
      kubernetes.apiServer.resume();
    }
  });
});

describe('a request to the API server', () => {
  it('writes strictly, and under the name of Ledgerlift', async () => {
    const connection = asMigrator();
    const made = await connection.call(create('strict'));
    expect(made).toMatchObject({ metadata: { managedFields: [{ manager: 'ledgerlift' }] } });
    const error = await failure(connection.call(create('unknown', { dataa: {} })));
    expect(error).toBeInstanceOf(KubernetesRefused);
    expect(error).toMatchObject({ code: 'LL-KUB-009', failure: 'permanent', reason: 'BadRequest' });
    expect(String(error)).toMatch(/unknown field "dataa"/);
    const address = { namespace, name: 'strict' };
    const patch: ApiRequest = {
      ...list,
      verb: 'patch',
      address,
      contentType: 'application/merge-patch+json',
    };
    expect(await failure(connection.call({ ...patch, body: { dataa: {} } }))).toMatchObject({
      code: 'LL-KUB-009',
    });
    expect(await connection.call({ ...patch, body: { data: { b: '2' } } })).toMatchObject({
      data: { a: '1', b: '2' },
    });
  });

  it.each([
    ['create', configMaps, { namespace: 'default' }, "'create' of configmaps in the namespace 'default'"],
    ['list', pods, {}, "'list' of pods in the whole cluster"],
    ['get', pods, { namespace, name: 'web', subresource: 'log' }, "'get' of pods/log in the namespace 'vms'"],
    ['watch', widgets, { namespace }, "'watch' of widgets.acme.example in the namespace 'vms'"],
    ['delete', configMaps, { namespace, name: 'strict' }, "'delete' of configmaps in the namespace 'vms'"],
    [
      'deletecollection',
      configMaps,
      { namespace },
      "'deletecollection' of configmaps in the namespace 'vms'",
    ],
  ] as const)('that is not allowed is named: %s', async (verb, kind, address, named) => {
    const body = verb === 'create' ? { metadata: { name: 'other' } } : undefined;
    const error = await failure(asMigrator().call({ verb, kind, address, body, signal }));
    expect(error).toBeInstanceOf(KubernetesForbidden);
    expect(error).toMatchObject({ code: 'LL-KUB-003', failure: 'needs-operator', verb });
    expect(String(error)).toContain(named);
  });

  it('for what a policy of the cluster forbids is no missing right', async () => {
    const quotas = `/api/v1/namespaces/${namespace}/resourcequotas`;
    const none = { persistentvolumeclaims: '0' };
    await kubernetes.admin.create(quotas, { metadata: { name: 'none' }, spec: { hard: none } });
    // What the controller of quotas would do.
    await kubernetes.admin.patch(`${quotas}/none/status`, { status: { hard: none, used: none } });
    const body = {
      metadata: { generateName: 'disk-' },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    };
    const connection = asMigrator();
    let error: unknown;
    // The API server learns of a quota by a watch.
    await until('the quota counts', async () => {
      error = await failure(
        connection.call({ verb: 'create', kind: volumes, address: { namespace }, body, signal }),
      );
      return error !== undefined;
    });
    expect(error).toMatchObject({ code: 'LL-KUB-009', failure: 'needs-operator', reason: 'Forbidden' });
    expect(String(error)).toMatch(/exceeded quota: none/);
  });

  it('that changes what was changed meanwhile, or makes what exists, is refused as such', async () => {
    const connection = asMigrator();
    const made = (await connection.call(create('shared'))) as { readonly metadata: object };
    expect(await failure(connection.call(create('shared')))).toBeInstanceOf(KubernetesAlreadyExists);
    const address = { namespace, name: 'shared' };
    const update = (): Promise<unknown> =>
      connection.call({ ...list, verb: 'update', address, body: { ...made, data: { a: '2' } } });
    await update();
    const error = await failure(update());
    expect(error).toBeInstanceOf(KubernetesConflict);
    expect(error).toMatchObject({ code: 'LL-KUB-005', failure: 'transient' });
    expect(String(error)).toMatch(/configmaps "shared" in the namespace 'vms'/);
  });

  it('for what is not there tells an object from a kind', async () => {
    await secret('admin', { kubeconfig: await kubernetes.kubeconfig() });
    const connection = connect(() => readCredentials({ kind: 'kubeconfig' }, 'admin'));
    const address = { namespace, name: 'nowhere' };
    const object = await failure(connection.call({ ...list, verb: 'get', address }));
    expect(object).toBeInstanceOf(KubernetesNotFound);
    expect(object).toMatchObject({ missing: 'object' });
    expect(await failure(connection.call({ ...list, kind: widgets }))).toMatchObject({ missing: 'kind' });
  });
});

describe('an API server that may just have started', () => {
  it('is asked again while it knows of no role, for as long as that is to be borne', async () => {
    const issued = await kubernetes.admin.serviceAccount(namespace, 'later');
    await secret('later', { token: issued, 'ca.crt': kubernetes.ca });
    const read = (): ReturnType<typeof readCredentials> => readCredentials(byToken(), 'later');
    const [hasty, patient] = [0, HANGS_MS].map((refusedMs) => new KubernetesConnection(read, { refusedMs }));
    if (hasty === undefined || patient === undefined) throw new Error('there are two');
    opened.push(hasty, patient);
    expect(await failure(hasty.call(list))).toBeInstanceOf(KubernetesForbidden);
    const asked = patient.call(list);
    await allow(kubernetes, ['configmaps'], ['list'], 'later');
    expect(await asked).toMatchObject({ kind: 'ConfigMapList' });
  });
});

describe('an API server that has too much to do', () => {
  it('is waited for as it asks, and given up when that takes too long', async () => {
    await using busy = await startKubernetes({
      extras: 'none',
      apiServerArguments: ['--enable-priority-and-fairness=false', '--max-mutating-requests-inflight=1'],
    });
    // An administrator is never asked to wait.
    await secret('busy', { token: await migrator(busy), 'ca.crt': busy.ca });
    const read = (): ReturnType<typeof readCredentials> =>
      readCredentials({ kind: 'token', url: busy.url }, 'busy');
    const connection = connect(read);
    await allowed(() => connection.call(list));
    const made = Array.from({ length: 64 }, (_, index) => connection.call(create(`n${index}`)));
    expect(await Promise.all(made)).toHaveLength(64);
    const hasty = new KubernetesConnection(read, { patienceMs: 0 });
    opened.push(hasty);
    const results = await Promise.all(
      Array.from({ length: 64 }, (_, index) => failure(hasty.call(create(`m${index}`)))),
    );
    expect(results).toContainEqual(expect.objectContaining({ code: 'LL-KUB-007', failure: 'transient' }));
  });
});
