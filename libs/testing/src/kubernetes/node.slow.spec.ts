import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startNats } from '../nats/index.js';
import { until } from '../until.js';
import {
  KubernetesRefused,
  type Kubernetes,
  type NodeVolume,
  startKubernetes,
  workerImage,
} from './index.js';

const NAMESPACE = '/api/v1/namespaces/workers';
const IMAGE = 'local.test/ledgerlift:1';
const MIB = 2 ** 20;

let kubernetes: Kubernetes;
let block: NodeVolume;
let host: Server;
let hostPort: number;

interface Pod {
  readonly status: {
    readonly phase: string;
    readonly message?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    readonly containerStatuses?: readonly {
      readonly restartCount: number;
      readonly containerID?: string;
      readonly state: { readonly running?: object; readonly terminated?: { readonly exitCode: number } };
    }[];
  };
}

/** A pod of the workers' image that PodSecurity `restricted` lets in, with a shell script in place of a service. */
function podOf(name: string, script: string, more: Readonly<Record<string, unknown>> = {}): object {
  const { container, ...spec } = { container: {}, ...more };
  return {
    metadata: { name },
    spec: {
      restartPolicy: 'Never',
      automountServiceAccountToken: false,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: 107,
        runAsGroup: 107,
        fsGroup: 107,
        seccompProfile: { type: 'RuntimeDefault' },
      },
      containers: [
        {
          name: 'worker',
          image: IMAGE,
          imagePullPolicy: 'Never',
          command: ['bash', '-c', script],
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
          ...(container as object),
        },
      ],
      ...spec,
    },
  };
}

const pod = (name: string): Promise<Pod> => kubernetes.admin.call<Pod>(`${NAMESPACE}/pods/${name}`);
const log = (name: string): Promise<string> => kubernetes.admin.call<string>(`${NAMESPACE}/pods/${name}/log`);

/** Runs a script to its end. @returns what it said @throws with that when it failed */
async function ran(
  name: string,
  script: string,
  more: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  await kubernetes.admin.create(`${NAMESPACE}/pods`, podOf(name, `set -eux; ${script}`, more));
  await until(`end of pod ${name}`, async () =>
    ['Succeeded', 'Failed'].includes((await pod(name)).status.phase),
  );
  const { status } = await pod(name);
  const said = await log(name);
  if (status.phase === 'Failed') throw new Error(`pod ${name}: ${status.message ?? ''}\n${said}`);
  return said;
}

const isGone = (name: string): Promise<boolean> =>
  pod(name).then(
    () => false,
    (error: unknown) => error instanceof KubernetesRefused && error.status === 404,
  );

function claimOf(name: string, volumeMode: string): object {
  return {
    metadata: { name },
    spec: {
      accessModes: ['ReadWriteOnce'],
      volumeMode,
      storageClassName: volumeMode.toLowerCase(),
      resources: { requests: { storage: '64Mi' } },
    },
  };
}

const VOLUMES = {
  container: {
    volumeDevices: [{ name: 'disk', devicePath: '/disks/disk-0' }],
    volumeMounts: [
      { name: 'scratch', mountPath: '/scratch' },
      { name: 'secret', mountPath: '/run/secret', readOnly: true },
      { name: 'tmp', mountPath: '/tmp' },
    ],
    env: [
      { name: 'LIBGUESTFS_BACKEND_SETTINGS', value: 'force_tcg' },
      { name: 'TMPDIR', value: '/tmp' },
      { name: 'HOME', value: '/tmp' },
    ],
  },
  volumes: [
    { name: 'disk', persistentVolumeClaim: { claimName: 'disk' } },
    { name: 'scratch', persistentVolumeClaim: { claimName: 'scratch' } },
    { name: 'secret', secret: { secretName: 'credential' } },
    { name: 'tmp', emptyDir: {} },
  ],
};

beforeAll(async () => {
  kubernetes = await startKubernetes({ extras: 'none', node: true });
  await kubernetes.node.importImage(workerImage());
  const { admin } = kubernetes;
  await admin.create('/api/v1/namespaces', {
    metadata: { name: 'workers', labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
  });
  // Pods are refused before it is there.
  await until('the default service account', () =>
    admin.call(`${NAMESPACE}/serviceaccounts/default`).then(
      () => true,
      () => false,
    ),
  );
  block = await kubernetes.blockVolume({ name: 'block-1', bytes: 64 * MIB, storageClass: 'block' });
  await kubernetes.fileVolume({ name: 'files-1', bytes: 64 * MIB, storageClass: 'filesystem' });
  await admin.create(`${NAMESPACE}/persistentvolumeclaims`, claimOf('disk', 'Block'));
  await admin.create(`${NAMESPACE}/persistentvolumeclaims`, claimOf('scratch', 'Filesystem'));
  await admin.create(`${NAMESPACE}/secrets`, {
    metadata: { name: 'credential' },
    stringData: { 'nats.creds': 'a secret' },
  });
  host = createServer((socket) => socket.end('hello from the host\n'));
  await new Promise<void>((resolve) => host.listen(0, '127.0.0.1', resolve));
  const address = host.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  hostPort = await kubernetes.node.publish(address.port);
});

afterAll(async () => {
  host.close();
  await kubernetes.stop();
});

describe('a node of a real Kubernetes', () => {
  it('gives an unprivileged user a block device, a file system, a secret and a folder', async () => {
    const said = await ran(
      'volumes',
      `id -u; grep -E 'CapEff|NoNewPrivs|Seccomp:' /proc/self/status
       echo 'first bytes' | dd of=/disks/disk-0 bs=512 conv=sync,fsync status=none
       blockdev --getsize64 /disks/disk-0
       head -c 12 /disks/disk-0
       echo kept > /scratch/file; df --output=fstype /scratch
       cat /run/secret/nats.creds; echo; echo some > /tmp/folder; cat /tmp/folder`,
      VOLUMES,
    );
    expect(said).toMatch(/^107$/m);
    expect(said).toMatch(/^CapEff:\t0+$/m);
    expect(said).toMatch(/^NoNewPrivs:\t1$/m);
    expect(said).toMatch(/^Seccomp:\t2$/m);
    expect(said).toMatch(new RegExp(`^${64 * MIB}$`, 'm'));
    expect(said).toMatch(/^first bytes$/m);
    expect(said).toMatch(/^ext4$/m);
    expect(said).toMatch(/^a secret$/m);
    expect(said).toMatch(/^some$/m);
    expect((await readFile(block.path)).subarray(0, 12).toString()).toBe('first bytes\n');
  });

  it('keeps what is on claims from one pod to the next, and a file system as small as its volume', async () => {
    const said = await ran(
      'again',
      'head -c 12 /disks/disk-0; cat /scratch/file; if head -c 100M /dev/zero > /scratch/large; then echo fits; fi',
      VOLUMES,
    );
    expect(said).toMatch(/^first bytes$/m);
    expect(said).toMatch(/^kept$/m);
    expect(said).toMatch(/No space left on device/);
    expect(said).not.toMatch(/^fits$/m);
  });

  it("runs the tools of the workers' image, and writes a disk through qemu-nbd", async () => {
    const said = await ran(
      'tools',
      `node --version; virt-v2v --version; nbdkit --version; qemu-img --version; qemu-nbd --version
       rm -f /scratch/large; qemu-img create -f raw /tmp/source.raw 64M
       printf 'over nbd' | dd of=/tmp/source.raw bs=512 seek=4 conv=notrunc,sync status=none
       qemu-nbd --format=raw --socket=/tmp/nbd.sock --persistent --fork /disks/disk-0
       nbdcopy /tmp/source.raw 'nbd+unix:///?socket=/tmp/nbd.sock' --flush
       nbdkit -U - memory 1M --run 'nbdinfo --size "$uri"'`,
      VOLUMES,
    );
    expect(said).toMatch(/^v24\./m);
    expect(said).toMatch(/^virt-v2v 2\./m);
    expect(said).toMatch(/^nbdkit 1\./m);
    expect(said).toMatch(/^qemu-img version/m);
    expect(said).toMatch(/^qemu-nbd \d/m);
    expect(said).toMatch(new RegExp(`^${MIB}$`, 'm'));
    expect((await readFile(block.path)).subarray(2048, 2056).toString()).toBe('over nbd');
  });

  it("boots libguestfs' appliance on the block device", async () => {
    const said = await ran(
      'appliance',
      `guestfish --format=raw -a /disks/disk-0 <<'END'
run
part-disk /dev/sda mbr
mkfs ext4 /dev/sda1
mount /dev/sda1 /
write /greeting "from the appliance"
cat /greeting
END`,
      VOLUMES,
    );
    expect(said).toMatch(/^from the appliance$/m);
  });

  it('lets pods reach a port of the host', async () => {
    const said = await ran('network', `exec 3<>/dev/tcp/${kubernetes.node.address}/${hostPort}; cat <&3`);
    expect(said).toMatch(/^hello from the host$/m);
  });

  it('ends a pod that is deleted as soon as it ends by itself, and with its grace when it does not', async () => {
    const willing = "trap 'echo ended > /scratch/ended; exit 0' TERM; echo up; while :; do sleep 0.1; done";
    await kubernetes.admin.create(
      `${NAMESPACE}/pods`,
      podOf('willing', willing, { ...VOLUMES, terminationGracePeriodSeconds: 3600 }),
    );
    const unwilling = "trap '' TERM; echo up; while :; do sleep 0.1; done";
    await kubernetes.admin.create(
      `${NAMESPACE}/pods`,
      podOf('unwilling', unwilling, { terminationGracePeriodSeconds: 2 }),
    );
    for (const name of ['willing', 'unwilling']) {
      await until(`start of ${name}`, async () => (await log(name).catch(() => '')).includes('up'));
      await kubernetes.admin.remove(`${NAMESPACE}/pods/${name}`);
    }
    await until('the end of both', async () => (await isGone('willing')) && (await isGone('unwilling')));
    expect(await ran('after', 'cat /scratch/ended', VOLUMES)).toMatch(/^ended$/m);
  });

  it('starts a container that was killed again', async () => {
    const patient = { restartPolicy: 'Always', terminationGracePeriodSeconds: 1 };
    await kubernetes.admin.create(`${NAMESPACE}/pods`, podOf('patient', 'echo up; sleep infinity', patient));
    const running = async (restarts: number): Promise<string | undefined> => {
      const [status] = (await pod('patient')).status.containerStatuses ?? [];
      return status?.restartCount === restarts && status.state.running !== undefined
        ? status.containerID
        : undefined;
    };
    await until('the first start', async () => (await running(0)) !== undefined);
    await kubernetes.node.killContainer((await running(0)) ?? '');
    await until('the second start', async () => (await running(1)) !== undefined);
  });

  it("runs a service by its name, and the node's probe finds it connected to a server of the host", async () => {
    await using nats = await startNats();
    const port = await kubernetes.node.publish(Number(new URL(nats.url).port));
    const env = {
      LEDGERLIFT_NATS_URL: `nats://${kubernetes.node.address}:${port}`,
      LEDGERLIFT_HTTP_HOST: '0.0.0.0',
      LEDGERLIFT_HTTP_PORT: '8081',
      TMPDIR: '/tmp',
    };
    const container = {
      command: undefined,
      args: ['transfer'],
      env: Object.entries(env).map(([name, value]) => ({ name, value })),
      readinessProbe: { httpGet: { path: '/health/ready', port: 8081 }, periodSeconds: 1 },
      volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }],
    };
    const volumes = [{ name: 'tmp', emptyDir: {} }];
    await kubernetes.admin.create(`${NAMESPACE}/pods`, podOf('service', '', { container, volumes }));
    await until('a ready service', async () => {
      const { conditions = [] } = (await pod('service')).status;
      return conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
    });
    expect(await log('service')).toMatch(/"service":"transfer"/);
    await kubernetes.admin.remove(`${NAMESPACE}/pods/service`);
    await until('its end', () => isGone('service'));
  });

  it('refuses a pod with privileges where PodSecurity is `restricted`', async () => {
    const asRoot = podOf('root', 'id', { container: { securityContext: { privileged: true } } });
    await expect(kubernetes.admin.create(`${NAMESPACE}/pods`, asRoot)).rejects.toThrow(
      /violates PodSecurity/,
    );
  });
});
