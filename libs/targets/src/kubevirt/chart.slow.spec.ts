import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  type Kubernetes,
  type NatsServer,
  startKubernetes,
  startNats,
  until,
  workerImage,
} from '@ledgerlift/testing';
import { apply, rendered } from './spec/chart.js';

const NAMESPACE = '/api/v1/namespaces/ledgerlift';
const MIB = 2 ** 20;
const SERVICES = ['converter', 'planner', 'transfer', 'vm-creator'];

interface Pod {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly labels: Readonly<Record<string, string>>;
  };
  readonly status: {
    readonly podIP?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    readonly containerStatuses?: readonly { readonly restartCount: number }[];
  };
}

let kubernetes: Kubernetes;
let nats: NatsServer;
beforeAll(async () => {
  kubernetes = await startKubernetes({ extras: 'none', node: true });
  await kubernetes.node.importImage(workerImage());
  nats = await startNats({ operator: true });
  await kubernetes.fileVolume({ name: 'log', bytes: 64 * MIB, storageClass: 'file' });
  await kubernetes.admin.create('/api/v1/namespaces', {
    metadata: { name: 'ledgerlift', labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
  });
  const read = (path = ''): Promise<string> => readFile(path, 'utf8');
  const { servicesCreds, signingSeedFile, account = '' } = nats.operator ?? {};
  for (const [name, stringData] of Object.entries({
    'ledgerlift-nats-services': { 'services.creds': await read(servicesCreds) },
    'ledgerlift-nats-signing': { 'signing.seed': await read(signingSeedFile), account },
    vcenter: { user: 'ledgerlift', password: 'secret' },
  }))
    await kubernetes.admin.create(`${NAMESPACE}/secrets`, { metadata: { name }, stringData });
});
afterAll(async () => {
  await kubernetes.stop();
  await nats.stop();
});

const pods = async (): Promise<readonly Pod[]> =>
  (await kubernetes.admin.call<{ readonly items: readonly Pod[] }>(`${NAMESPACE}/pods`)).items;
const serviceOf = ({ metadata: { labels } }: Pod): string => labels['app.kubernetes.io/component'] ?? '';
const isReady = ({ status: { conditions = [] } }: Pod): boolean =>
  conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
const plannerPod = (): Promise<Pod> => kubernetes.admin.call<Pod>(`${NAMESPACE}/pods/ledgerlift-planner-0`);
const api = ({ status: { podIP = '' } }: Pod): string => `http://${podIP}:7420/api/v1/providers`;

describe("the chart's pods", () => {
  it('get ready with a read-only root file system, and log in with the credential of the services', async () => {
    const small = { resources: { requests: { cpu: '50m', memory: '64Mi' } } };
    const port = await kubernetes.node.publish(nats.port);
    const objects = await rendered({
      image: { repository: 'local.test/ledgerlift', tag: '1', pullPolicy: 'Never' },
      secrets: ['vcenter'],
      planner: { ...small, storage: { size: '64Mi', storageClass: 'file' } },
      workers: { transfer: small, converter: small, 'vm-creator': small },
      nats: { enabled: false, url: `nats://${kubernetes.node.address}:${port}` },
    });
    await apply(kubernetes, objects, 'ledgerlift');
    const ready = async (): Promise<readonly string[]> =>
      (await pods()).filter(isReady).map(serviceOf).toSorted();
    await until('four ready pods', async () => (await ready()).length === SERVICES.length);
    expect(await ready()).toEqual(SERVICES);
    const all = await pods();
    // None of them had to try twice.
    expect(
      all.map(({ status }) => status.containerStatuses?.map(({ restartCount }) => restartCount)),
    ).toEqual(SERVICES.map(() => [0]));
  });

  it("keep the log on the planner's volume, where another planner pod continues it", async () => {
    const before = await plannerPod();
    const body = JSON.stringify({ name: 'out', type: 'directory', settings: { path: '/srv/migrated' } });
    const headers = { 'content-type': 'application/json', 'idempotency-key': 'out' };
    const created = await fetch(api(before), { method: 'POST', headers, body });
    expect(created.status).toBe(201);
    await kubernetes.admin.remove(`${NAMESPACE}/pods/${before.metadata.name}`);
    await until('another planner', async () => {
      const pod = await plannerPod().catch(() => undefined);
      return pod !== undefined && pod.metadata.uid !== before.metadata.uid && isReady(pod);
    });
    const listed = (await (await fetch(api(await plannerPod()))).json()) as {
      readonly items: readonly { readonly spec: { readonly name: string } }[];
    };
    expect(listed.items.map(({ spec }) => spec.name)).toEqual(['out']);
  });
});
