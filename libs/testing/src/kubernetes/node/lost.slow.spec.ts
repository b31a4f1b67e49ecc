import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { until } from '../../until.js';
import { type Kubernetes, VolumeProvisioner, startKubernetes, workerImage } from '../index.js';

const NAMESPACE = '/api/v1/namespaces/default';
const CLAIMS = `${NAMESPACE}/persistentvolumeclaims`;
const MIB = 2 ** 20;

let kubernetes: Kubernetes;
let volumes: VolumeProvisioner;

interface Pod {
  readonly metadata: { readonly uid: string };
  readonly status: { readonly phase: string };
}

beforeAll(async () => {
  kubernetes = await startKubernetes({ extras: 'none', node: true });
  await kubernetes.node.importImage(workerImage());
  volumes = await VolumeProvisioner.start(kubernetes, [
    { name: 'waiting', binding: 'WaitForFirstConsumer' },
    { name: 'at-once', binding: 'Immediate' },
  ]);
  await until('the default service account', () =>
    kubernetes.admin.call(`${NAMESPACE}/serviceaccounts/default`).then(
      () => true,
      () => false,
    ),
  );
});
afterAll(async () => {
  await volumes[Symbol.asyncDispose]();
  await kubernetes.stop();
});

const claim = (
  name: string,
  storageClassName: string,
  volumeMode: 'Block' | 'Filesystem',
): Promise<unknown> =>
  kubernetes.admin.create(CLAIMS, {
    metadata: { name },
    spec: {
      accessModes: ['ReadWriteOnce'],
      volumeMode,
      storageClassName,
      resources: { requests: { storage: '4Mi' } },
    },
  });

const phaseOf = async (path: string): Promise<string> =>
  (await kubernetes.admin.call<{ readonly status: { readonly phase: string } }>(path)).status.phase;

/** A pod that writes its name to the start of the claim `disk`, then stays. */
const writer = (name: string): Promise<Pod> =>
  kubernetes.admin.create<Pod>(`${NAMESPACE}/pods`, {
    metadata: { name },
    spec: {
      terminationGracePeriodSeconds: 1,
      containers: [
        {
          name: 'writer',
          image: 'local.test/ledgerlift:1',
          imagePullPolicy: 'Never',
          command: ['bash', '-c', `printf ${name} | dd of=/disk conv=fsync status=none; sleep infinity`],
          volumeDevices: [{ name: 'disk', devicePath: '/disk' }],
        },
      ],
      volumes: [{ name: 'disk', persistentVolumeClaim: { claimName: 'disk' } }],
    },
  });

const isGone = (path: string): Promise<boolean> =>
  kubernetes.admin.call(path).then(
    () => false,
    () => true,
  );

describe('volumes that are made for claims', () => {
  it('come once a pod wants them, or at once, unless they are held back', async () => {
    {
      using _ = volumes.hold(({ name }) => name === 'late');
      for (const name of ['early', 'late']) await claim(name, 'at-once', 'Filesystem');
      await until('the early one', async () => (await phaseOf(`${CLAIMS}/early`)) === 'Bound');
      expect(await phaseOf(`${CLAIMS}/late`)).toBe('Pending');
    }
    await until('the late one', async () => (await phaseOf(`${CLAIMS}/late`)) === 'Bound');
    await claim('disk', 'waiting', 'Block');
    await claim('sign', 'at-once', 'Filesystem');
    await until('a later one', async () => (await phaseOf(`${CLAIMS}/sign`)) === 'Bound');
    expect(await phaseOf(`${CLAIMS}/disk`)).toBe('Pending');
    await writer('first');
    await until('the disk', async () => (await phaseOf(`${CLAIMS}/disk`)) === 'Bound');
  });

  it("are not zero where nothing was written, and go with their claim's deletion", async () => {
    const volume = await volumes.volumeOf({ namespace: 'default', name: 'disk' });
    if (volume === undefined) throw new Error('the claim has no volume');
    await until('what the pod writes', async () =>
      (await readFile(volume.path)).subarray(0, 5).equals(Buffer.from('first')),
    );
    const written = await readFile(volume.path);
    expect(written.length).toBeGreaterThanOrEqual(4 * MIB);
    expect(written.subarray(5).every((byte) => byte === 0xa5)).toBe(true);
    const late = await volumes.volumeOf({ namespace: 'default', name: 'late' });
    await kubernetes.admin.remove(`${CLAIMS}/late`);
    await until('the end of the volume', () => isGone(`/api/v1/persistentvolumes/${late?.name}`));
    await until('the end of its file', () => !existsSync(late?.path ?? ''));
  });
});

describe('a node that is lost', () => {
  it('ends its pods at once, and runs others once it has come back', async () => {
    const { node, admin } = kubernetes;
    const first = await admin.call<Pod>(`${NAMESPACE}/pods/first`);
    await until('the processes of the pod', async () => (await node.podProcesses()).has(first.metadata.uid));
    await node.lose();
    expect((await node.podProcesses()).size).toBe(0);
    // Kubernetes itself gives up pods of a node that is no more.
    await until('the end of the pod', () => isGone(`${NAMESPACE}/pods/first`));
    await node.comeBack();
    const second = await writer('second');
    await until('the second pod', async () => (await phaseOf(`${NAMESPACE}/pods/second`)) === 'Running');
    const volume = await volumes.volumeOf({ namespace: 'default', name: 'disk' });
    await until('what it writes', async () =>
      (await readFile(volume?.path ?? '')).subarray(0, 6).equals(Buffer.from('second')),
    );
    expect([...(await node.podProcesses()).keys()]).toEqual([second.metadata.uid]);
  });
});
