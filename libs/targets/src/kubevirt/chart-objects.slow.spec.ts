import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Kubernetes, startKubernetes, temporaryFolder, until } from '@ledgerlift/testing';
import { KubernetesConnection } from './connection.js';
import { missingRights } from './permissions/check.js';
import { rolesFor } from './permissions/roles.js';
import { apply, helm, install, lint, ofKind, type Rendered, rendered, template } from './spec/chart.js';

const image = { repository: 'registry.example.com/ledgerlift' };
const usual = { image, migration: { namespaces: ['vms', 'lab'] }, secrets: ['vcenter', 'disk-keys'] };
const peer = { podSelector: { matchLabels: { app: 'portal' } } };
const ownNats = {
  ...usual,
  nats: { enabled: false, url: 'tls://nats.example.com:4222', secrets: { services: 'bus', signing: '' } },
};
const everything = {
  image: { ...image, tag: '1', pullSecrets: ['registry'] },
  installation: 'north',
  site: 'north',
  sandbox: 'required',
  migration: { namespaces: ['vms'] },
  rbac: { create: false },
  secrets: ['vcenter.north'],
  volumes: [{ name: 'ovas', claim: 'ovas', mountPath: '/srv/ovas', readOnly: true }],
  settings: { LEDGERLIFT_VDDK_DIR: '/srv/vddk' },
  planner: {
    storage: { size: '50Gi', storageClass: 'fast', accessMode: 'ReadWriteOncePod' },
    api: { allowFrom: [peer] },
    settings: { LEDGERLIFT_MAX_RUNNING_VMS: '40' },
    nodeSelector: { disk: 'fast' },
    tolerations: [{ key: 'migration', operator: 'Exists' }],
  },
  workers: { transfer: { replicas: 3, slots: 4, clusterAccess: true }, converter: { kvm: true } },
  nats: { storage: { storageClass: 'fast' }, allowFrom: [peer] },
};
const variants = [
  ['usual values', 'ledgerlift', usual, 5],
  ['an NATS server of your own', 'other', ownNats, 4],
  ['everything set', 'full', everything, 7],
] as const;

const folder = temporaryFolder('chart');
let kubernetes: Kubernetes;
beforeAll(async () => {
  // Controllers make the pods, and admission judges them; no node runs them.
  kubernetes = await startKubernetes({ extras: 'none', controllerManager: true });
  const restricted = { 'pod-security.kubernetes.io/enforce': 'restricted' };
  for (const name of [...variants.map(([, namespace]) => namespace), 'helm', 'vms', 'lab'])
    await kubernetes.admin.create('/api/v1/namespaces', { metadata: { name, labels: restricted } });
});
afterAll(async () => {
  await kubernetes.stop();
  await folder.remove();
});

interface Pod {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly volumes: readonly {
      readonly name: string;
      readonly projected?: { readonly sources: readonly object[] };
    }[];
  };
}

async function podsOf(namespace: string, selector = ''): Promise<readonly Pod[]> {
  const query = `?labelSelector=${encodeURIComponent(selector)}`;
  const { items } = await kubernetes.admin.call<{ readonly items: readonly Pod[] }>(
    `/api/v1/namespaces/${namespace}/pods${query}`,
  );
  return items;
}

/** Names of the services whose pods a policy's selector selects. */
async function selected(namespace: string, { matchLabels = {} }: PodSelector): Promise<readonly string[]> {
  const selector = Object.entries(matchLabels).map(([label, value]) => `${label}=${value}`);
  const pods = await podsOf(namespace, selector.join());
  return pods
    .map(({ metadata: { name } }) => /(planner|transfer|converter|vm-creator|nats)/.exec(name)?.[0] ?? name)
    .toSorted();
}

interface PodSelector {
  readonly matchLabels?: Readonly<Record<string, string>>;
}
interface Policy {
  readonly podSelector: PodSelector;
  readonly policyTypes: readonly string[];
  readonly egress?: readonly object[];
  readonly ingress?: readonly {
    readonly ports: readonly { readonly port: string }[];
    readonly from: readonly { readonly podSelector?: PodSelector; readonly namespaceSelector?: object }[];
  }[];
}
const policiesOf = (objects: readonly Rendered[]): ReadonlyMap<string, Policy> =>
  new Map(ofKind(objects, 'NetworkPolicy').map(({ metadata, spec }) => [metadata.name, spec as Policy]));

const ALL = ['converter', 'nats', 'planner', 'transfer', 'vm-creator'];

describe.each(variants)('the chart with %s', (_, namespace, values, pods) => {
  it('passes the linter', async () => {
    expect(await lint(values)).toMatchObject({ status: 0, errors: '' });
  });

  it('is applied with strict validation, and its pods are admitted where PodSecurity is `restricted`', async () => {
    await apply(kubernetes, await rendered(values, namespace), namespace);
    await until(`${pods} pods in ${namespace}`, async () => (await podsOf(namespace)).length === pods);
  });
});

describe("the service account's rights", () => {
  it('are those of the table, in the namespaces of the values', async () => {
    const { status } = await kubernetes.admin.create<{ readonly status: { readonly token: string } }>(
      '/api/v1/namespaces/ledgerlift/serviceaccounts/ledgerlift/token',
      { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} },
    );
    const connection = new KubernetesConnection(() =>
      Promise.resolve({
        server: kubernetes.url,
        ca: kubernetes.ca,
        serverName: undefined,
        token: status.token,
        clientCertificate: undefined,
        from: 'this test',
      }),
    );
    const signal = AbortSignal.timeout(280_000);
    try {
      // The API server learns of a new role by a watch.
      await until(
        'all rights',
        async () => (await missingRights(connection, ['vms', 'lab'], signal)).length === 0,
      );
      expect(await missingRights(connection, ['full'], signal)).not.toEqual([]);
    } finally {
      await connection.close();
    }
  });

  it('are no more than the table says', async () => {
    const objects = await rendered(usual);
    const rulesOf = (
      all: readonly {
        readonly kind: string;
        readonly metadata: { readonly namespace?: string };
        readonly [field: string]: unknown;
      }[],
    ) =>
      all
        .filter(({ kind }) => kind === 'ClusterRole' || kind === 'Role')
        .map(({ kind, metadata, ['rules']: rules }) => ({ kind, namespace: metadata.namespace, rules }));
    const account = { namespace: 'ledgerlift', name: 'ledgerlift' };
    expect(rulesOf(objects)).toEqual(
      expect.arrayContaining(rulesOf(rolesFor({ account, namespaces: ['vms', 'lab'] }))),
    );
    expect(rulesOf(objects)).toHaveLength(3);
  });

  it('are none without namespaces, or where somebody else makes the roles', async () => {
    for (const values of [{ image }, { ...usual, rbac: { create: false } }]) {
      const kinds = (await rendered(values)).map(({ kind }) => kind);
      expect(kinds.filter((kind) => /Role/.test(kind))).toEqual([]);
    }
  });

  it('reach only the pods whose values say so', async () => {
    const withToken = async (namespace: string): Promise<readonly string[]> =>
      (await podsOf(namespace))
        .filter(({ spec }) =>
          spec.volumes.some(({ projected }) =>
            projected?.sources.some((source) => 'serviceAccountToken' in source),
          ),
        )
        .map(({ metadata: { name } }) => name.replace(/-[a-z0-9]+-[a-z0-9]{5}$/, ''));
    expect(await withToken('ledgerlift')).toEqual(['ledgerlift-planner-0']);
    expect(new Set(await withToken('full'))).toEqual(
      new Set(['ledgerlift-planner-0', 'ledgerlift-transfer']),
    );
  });
});

describe('the network policies', () => {
  it('deny all access by default, except from services and worker pods to NATS', async () => {
    const policies = policiesOf(await rendered(usual));
    expect([...policies.keys()].toSorted()).toEqual(['ledgerlift', 'ledgerlift-nats']);
    const [all, nats] = [policies.get('ledgerlift'), policies.get('ledgerlift-nats')];
    expect(all).toMatchObject({ policyTypes: ['Ingress'] });
    expect(all).not.toHaveProperty('ingress');
    expect(await selected('ledgerlift', all?.podSelector ?? {})).toEqual(ALL);
    expect(await selected('ledgerlift', nats?.podSelector ?? {})).toEqual(['nats']);
    // A policy for egress without a rule lets nothing out.
    expect(nats?.policyTypes).toEqual(['Ingress', 'Egress']);
    expect(nats).not.toHaveProperty('egress');
    const [rule, ...more] = nats?.ingress ?? [];
    expect(more).toEqual([]);
    expect(rule?.ports).toEqual([{ port: 'nats' }]);
    const [services, workers, ...others] = rule?.from ?? [];
    expect(services).not.toHaveProperty('namespaceSelector');
    expect(await selected('ledgerlift', services?.podSelector ?? {})).toEqual(
      ALL.filter((name) => name !== 'nats'),
    );
    expect(workers).toEqual({
      namespaceSelector: {
        matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'In', values: ['vms', 'lab'] }],
      },
      podSelector: { matchLabels: { 'ledgerlift.io/installation': 'ledgerlift' } },
    });
    expect(others).toEqual([]);
  });

  it("let into the planner's API, and to NATS, whom the values name", async () => {
    const policies = policiesOf(await rendered(everything));
    const planner = policies.get('ledgerlift-planner');
    expect(planner?.ingress).toEqual([{ ports: [{ port: 'http' }], from: [peer] }]);
    expect(await selected('full', planner?.podSelector ?? {})).toEqual(['planner']);
    expect(policies.get('ledgerlift-nats')?.ingress?.[0]?.from).toContainEqual(peer);
  });

  it('open the API to the cluster only where the values say that this is meant', async () => {
    const planner = (values: object): Promise<Policy | undefined> =>
      rendered({ image, ...values }).then((objects) => policiesOf(objects).get('ledgerlift-planner'));
    expect(await planner({})).toBeUndefined();
    expect((await planner({ planner: { api: { openToCluster: true } } }))?.ingress).toEqual([
      { ports: [{ port: 'http' }], from: [{ namespaceSelector: {} }] },
    ]);
    const without = { image, networkPolicy: { enabled: false } };
    expect((await template(without)).errors).toContain(
      'set planner.api.openToCluster to true if that is meant',
    );
    const objects = await rendered({ ...without, planner: { api: { openToCluster: true } } });
    expect(ofKind(objects, 'NetworkPolicy')).toEqual([]);
  });
});

describe('values that are wrong', () => {
  it.each([
    ["at '/image/repository'", {}],
    ["at '/image'", { image: { ...image, repositry: 'x' } }],
    ["'relicas'", { image, workers: { transfer: { relicas: 2 } } }],
    ["at '/workers/transfer/replicas'", { image, workers: { transfer: { replicas: '2' } } }],
    ["at '/workers/converter/slots'", { image, workers: { converter: { slots: 0 } } }],
    ["at '/migration/namespaces/0'", { image, migration: { namespaces: ['VMs'] } }],
    ["at '/secrets/1'", { image, secrets: ['vcenter', 'a/b'] }],
    ["at '/planner/storage/size'", { image, planner: { storage: { size: 'much' } } }],
    ["at '/planner/storage/accessMode'", { image, planner: { storage: { accessMode: 'ReadWriteMany' } } }],
    ["at '/planner/api/allowFrom/0'", { image, planner: { api: { allowFrom: [{}] } } }],
    ["at '/nats/url'", { image, nats: { enabled: false } }],
    ["at '/nats/url'", { image, nats: { enabled: false, url: 'nats://me:secret@host:4222' } }],
    ["at '/nats/secrets/resolver'", { image, nats: { secrets: { resolver: '' } } }],
    ['LEDGERLIFT_NATS_URL', { image, settings: { LEDGERLIFT_NATS_URL: 'nats://elsewhere:4222' } }],
    ["at '/logLevel'", { image, logLevel: 'loud' }],
  ])('are refused, and named: %s', async (name, values) => {
    const { status, errors } = await template(values);
    expect(errors).toContain(name);
    expect(status).not.toBe(0);
  });
});

describe('Helm', () => {
  it("installs it, says what comes next, and keeps the log's claim when it is uninstalled", async () => {
    const kubeconfig = folder.file('kubeconfig');
    await writeFile(kubeconfig, await kubernetes.kubeconfig(), { mode: 0o600 });
    const { printed, errors, status } = await install({ image }, 'helm', kubeconfig);
    expect({ errors, status }).toEqual({ errors: '', status: 0 });
    expect(printed).toContain('kubectl -n helm port-forward statefulset/ledgerlift-planner 7420');
    const claim = '/api/v1/namespaces/helm/persistentvolumeclaims/data-ledgerlift-planner-0';
    await until('the pods', async () => (await podsOf('helm')).length === 5);
    const removed = await helm([
      'uninstall',
      'ledgerlift',
      '--namespace',
      'helm',
      '--kubeconfig',
      kubeconfig,
    ]);
    expect(removed.status).toBe(0);
    await until('the end of the pods', async () => (await podsOf('helm')).length === 0);
    const kept = await kubernetes.admin.call<{ readonly metadata: object }>(claim);
    expect(kept).toMatchObject({ spec: { accessModes: ['ReadWriteOnce'] } });
    // What has an owner goes with it.
    expect(kept.metadata).not.toHaveProperty('ownerReferences');
  });
});
