import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { KubeVirtSettings } from '@ledgerlift/contracts';
import { type Kubernetes, startKubernetes, temporaryFolder, until } from '@ledgerlift/testing';
import type { PlanAtTarget, TargetUse } from '../plan.js';
import { planOf, placed, settings, viewOf } from './conditions/spec/fixtures.js';
import { conditions } from './conditions/index.js';
import { KubernetesConnection } from './connection.js';
import { qualified } from './errors.js';
import { OpenInventories } from './inventory/cluster-inventory.js';
import { type LookOptions, closeInventories, look } from './look.js';
import { missingRights } from './permissions/check.js';
import { type Need, needs, type RbacObject, resourceOf, rolesFor } from './permissions/roles.js';

const signal = AbortSignal.timeout(280_000);
const nobody: TargetUse = { places: new Map(), disks: new Map() };
const times = { retryMs: [50, 200], installedMs: 100, silenceMs: 150_000 } as const;
const options: LookOptions = { inventories: new OpenInventories({ times }), limitMs: 60_000 };
const plan: PlanAtTarget = planOf([placed()]);
const folder = temporaryFolder('look');
const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const PLURALS = {
  ClusterRole: 'clusterroles',
  ClusterRoleBinding: 'clusterrolebindings',
  Role: 'roles',
  RoleBinding: 'rolebindings',
} as const;

let kubernetes: Kubernetes;
beforeAll(async () => {
  // Without the definitions: rights do not depend on them, and a cluster without KubeVirt is to be seen, too.
  kubernetes = await startKubernetes({ extras: 'none' });
  process.env['LEDGERLIFT_SECRETS_DIR'] = folder.path;
  for (const name of ['ledgerlift', 'vms'])
    await kubernetes.admin.create('/api/v1/namespaces', { metadata: { name } });
  await keep('admin', 'kubeconfig', await kubernetes.kubeconfig());
  await keep('stranger', 'token', 'no-token-of-this-cluster');
});
afterAll(async () => {
  await options.inventories.close();
  await kubernetes.stop();
  await folder.remove();
});

async function keep(secret: string, key: string, content: string): Promise<void> {
  await mkdir(folder.file(secret), { recursive: true });
  await writeFile(join(folder.file(secret), key), content);
}

const byKubeconfig = (secret: string) => ({
  settings: { access: { kind: 'kubeconfig' }, namespaces: ['vms'] } satisfies KubeVirtSettings,
  secret: { name: secret },
});
const byToken = (secret: string, url = kubernetes.url) => ({
  settings: {
    access: { kind: 'token', url, caCertificate: kubernetes.ca },
    namespaces: ['vms'],
  } satisfies KubeVirtSettings,
  secret: { name: secret },
});

/** A server that takes connections, and says nothing. */
async function silentServer(): Promise<{ readonly url: string } & AsyncDisposable> {
  const server = createServer((socket) => socket.on('error', () => undefined).resume());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
      }),
  };
}

describe('a look at a cluster', () => {
  it('reports that KubeVirt is missing', async () => {
    const { problems, view } = await look(byKubeconfig('admin'), plan, nobody, options);
    expect(problems).toMatchObject([{ item: 'prod', code: 'KubeVirtNotInstalled' }]);
    expect(view.missing).toEqual([]);
    const found = conditions(byKubeconfig('admin'), plan, view);
    expect(found).toContainEqual(
      expect.objectContaining({
        type: 'TargetNotKnown',
        reason: 'NotInstalled',
        items: ['virtualmachines.kubevirt.io'],
      }),
    );
  });

  it('knows whose a place is that another migration is making', async () => {
    const use = { ...nobody, places: new Map([['vms/web', 'migration m-1 is creating it']]) };
    const { view } = await look(byKubeconfig('admin'), plan, use, options);
    expect(view.taken).toEqual(use.places);
  });

  it('is through the inventories of the process where no others are given', async () => {
    const { view } = await look(byKubeconfig('admin'), plan, nobody);
    expect(view.cluster.namespaces.map(({ name }) => name)).toContain('vms');
    await closeInventories();
  });

  it('says that the account is not known', async () => {
    const { problems } = await look(byToken('stranger'), plan, nobody, options);
    expect(problems).toMatchObject([{ item: 'prod', code: 'LL-KUB-002', field: 'secret' }]);
  });

  it('says that a secret is missing', async () => {
    const { problems } = await look(byToken('nothing'), plan, nobody, options);
    expect(problems).toMatchObject([{ item: 'prod', message: expect.stringContaining('nothing') }]);
  });

  it('says that nobody answers', async () => {
    const { problems } = await look(byToken('stranger', 'https://127.0.0.1:1'), plan, nobody, options);
    expect(problems).toMatchObject([{ item: 'prod', code: 'LL-KUB-001' }]);
  });

  it('says what it was not told in time', async () => {
    await using server = await silentServer();
    const inventories = new OpenInventories({ times });
    const limited = { inventories, limitMs: 300 };
    const { problems, view } = await look(byToken('stranger', server.url), plan, nobody, limited);
    expect(problems).toMatchObject([
      { item: 'prod', code: 'NotKnownInTime', message: expect.stringContaining('within 0.3 s') },
    ]);
    expect(view.cluster.gaps.every(({ knowledge }) => knowledge.state === 'unknown')).toBe(true);
    await inventories.close();
  });

  it('is kept open until it was not asked for', async () => {
    const inventories = new OpenInventories({ times, idleMs: 200 });
    const inventory = inventories.of(byKubeconfig('admin'));
    expect(inventories.of(byKubeconfig('admin'))).toBe(inventory);
    expect(inventories.of(byToken('stranger'))).not.toBe(inventory);
    expect(inventories.size).toBe(2);
    // The timers of idle inventories keep no process alive; this wait does.
    await until('both are closed', () => inventories.size === 0);
    expect(inventories.of(byKubeconfig('admin'))).not.toBe(inventory);
    await inventories.close();
    expect(inventories.size).toBe(0);
  });
});

const nameOf = (need: Need): string =>
  `${need.verb} ${qualified(resourceOf(need), need.kind.group)} ${need.scope === 'cluster' ? 'in the whole cluster' : "in 'vms'"}`;

/** An account with all rights but these. @returns its token */
async function accountWithout(name: string, lacking: readonly Need[]): Promise<string> {
  const { admin } = kubernetes;
  const request = { account: { namespace: 'ledgerlift', name }, namespaces: ['vms'] };
  const table = needs.filter((need) => !lacking.includes(need));
  for (const object of rolesFor(request, table)) await admin.create(pathOf(object), named(object, name));
  return admin.serviceAccount('ledgerlift', name);
}
const pathOf = ({ kind, metadata: { namespace } }: RbacObject): string =>
  `${RBAC}${namespace === undefined ? '' : `/namespaces/${namespace}`}/${PLURALS[kind]}`;
/** Each account has roles of its own, so that all can be there at once. */
const named = (object: RbacObject, name: string): object => ({
  ...object,
  metadata: { ...object.metadata, name },
  ...('roleRef' in object ? { roleRef: { ...(object['roleRef'] as object), name } } : {}),
});

describe('rights', () => {
  it('are named, each alone, where one is missing', async () => {
    const accounts = await Promise.all(
      needs.map(async (need, index) => ({ need, token: await accountWithout(`lacks-${index}`, [need]) })),
    );
    for (const { need, token } of accounts) {
      const connection = new KubernetesConnection(() =>
        Promise.resolve({
          server: kubernetes.url,
          ca: kubernetes.ca,
          serverName: undefined,
          token,
          clientCertificate: undefined,
          from: 'this test',
        }),
      );
      // A role is in force shortly after it was made.
      let missing = await missingRights(connection, ['vms'], signal);
      for (let tries = 0; missing.length > 1 && tries < 100; tries += 1)
        missing = await missingRights(connection, ['vms'], signal);
      const found = conditions({ settings }, plan, { ...viewOf(), missing });
      expect(found).toMatchObject([{ type: 'TargetRightsMissing', items: [nameOf(need)] }]);
      expect(found[0]?.message).toContain(`the account may not ${nameOf(need)};`);
      await connection.close();
    }
  });

  const right = (verb: Need['verb'], resource: string): readonly Need[] =>
    needs.filter((need) => need.verb === verb && resourceOf(need) === resource);

  it('are said once where a kind may not be listed', async () => {
    const lacking = right('list', 'nodes');
    await keep('no-list', 'token', await accountWithout('no-list', lacking));
    const types = await lookedAt('no-list');
    expect(types).toContainEqual('TargetRightsMissing list nodes in the whole cluster');
    expect(types.filter((each) => each.startsWith('TargetNotKnown nodes'))).toEqual([]);
    expect(types.filter((each) => each.startsWith('NoNodeTakesVMs'))).toEqual([]);
  });

  it('are said with what may be outdated where a kind may not be watched', async () => {
    await keep('no-watch', 'token', await accountWithout('no-watch', right('watch', 'nodes')));
    const types = await lookedAt('no-watch');
    expect(types).toContainEqual('TargetRightsMissing watch nodes in the whole cluster');
    expect(types).toContainEqual('TargetViewOutdated nodes');
    await keep('all', 'token', await accountWithout('all', []));
    expect((await lookedAt('all')).filter((each) => /^Target(Rights|View)/.test(each))).toEqual([]);
  });

  /** The conditions of a look, once the roles are in force and every watch has been tried. */
  async function lookedAt(secret: string): Promise<readonly string[]> {
    let types: readonly string[] = [];
    await until('the roles are in force', async () => {
      const { view } = await look(byToken(secret), plan, nobody, options);
      types = conditions(byToken(secret), plan, view).map(({ type, items }) => `${type} ${items.join()}`);
      const isSettled = view.cluster.gaps.every(
        ({ kind, knowledge }) =>
          (knowledge.state !== 'refused' && knowledge.state !== 'stale') || kind.resource === 'nodes',
      );
      const isTried = secret !== 'no-watch' || types.includes('TargetViewOutdated nodes');
      return view.missing.length < 2 && isSettled && isTried;
    });
    return types;
  }
});
