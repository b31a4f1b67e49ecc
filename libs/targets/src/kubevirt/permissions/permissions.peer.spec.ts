import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Kubernetes, KubernetesRefused, startKubernetes } from '@ledgerlift/testing';
import { parseAllDocuments } from 'yaml';
import { KubernetesConnection } from '../connection.js';
import { qualified } from '../errors.js';
import { missingRights } from './check.js';
import { type Need, needs, type RbacObject, resourceOf, roleManifest, rolesFor } from './roles.js';

const request = { account: { namespace: 'ledgerlift', name: 'migrator' }, namespaces: ['vms', 'lab'] };
const signal = AbortSignal.timeout(280_000);
const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const PLURALS = {
  ClusterRole: 'clusterroles',
  ClusterRoleBinding: 'clusterrolebindings',
  Role: 'roles',
  RoleBinding: 'rolebindings',
} as const;

let kubernetes: Kubernetes;
let connection: KubernetesConnection;
beforeAll(async () => {
  // Without the definitions: whether an account may do something does not depend on whether the kind exists.
  kubernetes = await startKubernetes({ extras: 'none' });
  const { admin } = kubernetes;
  for (const name of ['ledgerlift', ...request.namespaces])
    await admin.create('/api/v1/namespaces', { metadata: { name } });
  const token = await admin.serviceAccount('ledgerlift', 'migrator');
  const credentials = {
    server: kubernetes.url,
    ca: kubernetes.ca,
    serverName: undefined,
    token,
    clientCertificate: undefined,
    from: 'this test',
  };
  connection = new KubernetesConnection(() => Promise.resolve(credentials));
});
afterAll(async () => {
  await connection.close();
  await kubernetes.stop();
});

/** Makes these roles and bindings, in place of those that were there. */
async function apply(objects: readonly RbacObject[]): Promise<void> {
  for (const object of objects) {
    const { namespace, name } = object.metadata;
    const path = `${RBAC}${namespace === undefined ? '' : `/namespaces/${namespace}`}/${PLURALS[object.kind]}`;
    await kubernetes.admin
      .call(`${path}/${name}`, { method: 'PUT', body: object })
      .catch(async (error: unknown) => {
        if (!(error instanceof KubernetesRefused) || error.status !== 404) throw error;
        await kubernetes.admin.create(path, object);
      });
  }
}

const nameOf = (need: Need): string => `${need.verb} ${qualified(resourceOf(need), need.kind.group)}`;
const named = (need: Need, namespace: string | undefined): string =>
  namespace === undefined ? nameOf(need) : `${nameOf(need)} in ${namespace}`;
const namedFor = (need: Need): readonly string[] =>
  (need.scope === 'cluster' ? [undefined] : request.namespaces).map((namespace) => named(need, namespace));

async function missing(): Promise<readonly string[]> {
  const found = await missingRights(connection, request.namespaces, signal);
  return found.map(({ need, namespace }) => named(need, namespace));
}

/** The API server learns of a changed role by a watch, shortly after it was changed. */
async function expectMissing(wanted: readonly string[]): Promise<void> {
  let seen = await missing();
  for (let tries = 0; tries < 100 && JSON.stringify(seen) !== JSON.stringify(wanted); tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    seen = await missing();
  }
  expect(seen).toEqual(wanted);
}

describe('the rights that a migration needs', () => {
  it('are all missing before a role gives them', () => expectMissing(needs.flatMap(namedFor)));

  it('are given by the manifest made for them', async () => {
    const documents = parseAllDocuments(roleManifest(request));
    await apply(documents.map((document) => document.toJS() as RbacObject));
    await expectMissing([]);
  });

  it.each(needs.map((need) => [nameOf(need), need] as const))(
    'are named, and nothing else, when a role lacks one: %s',
    async (_, lacking) => {
      await apply(
        rolesFor(
          request,
          needs.filter((need) => need !== lacking),
        ),
      );
      await expectMissing(namedFor(lacking));
    },
  );

  it('are no more than the table says', () => {
    const rules = rolesFor(request).flatMap(({ kind, metadata, rules: of }) =>
      ((of ?? []) as { apiGroups: string[]; resources: string[]; verbs: string[] }[]).flatMap(
        ({ apiGroups, resources, verbs }) =>
          verbs.map(
            (verb) => `${kind} ${metadata.namespace ?? ''} ${verb} ${resources.join()}.${apiGroups.join()}`,
          ),
      ),
    );
    const wanted = needs.flatMap((need) =>
      (need.scope === 'cluster' ? [''] : request.namespaces).map(
        (namespace) =>
          `${namespace === '' ? 'ClusterRole' : 'Role'} ${namespace} ${need.verb} ${resourceOf(need)}.${need.kind.group}`,
      ),
    );
    expect(rules.toSorted()).toEqual(wanted.toSorted());
  });
});
