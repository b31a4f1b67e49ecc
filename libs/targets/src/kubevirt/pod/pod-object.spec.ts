import { describe, expect, it } from '@jest/globals';
import { OWN_POD_SETTINGS, type VmRecord, type WorkerPods } from '@ledgerlift/contracts';
import { z } from 'zod';
import { itineraryFor } from '../place.js';
import { podName, scratchName } from './names.js';
import { scratchObject, secretObject } from './parts.js';
import { DESCRIBED, IN_POD, podObject, servicesOf } from './pod-object.js';
import { clusterRecord, workerPods } from './pod-record.fixture.js';

const Named = z.looseObject({ name: z.string() });
const Container = z.looseObject({
  name: z.string(),
  env: z.array(
    z.object({ name: z.string(), value: z.string().optional(), valueFrom: z.unknown().optional() }),
  ),
  resources: z.object({
    requests: z.record(z.string(), z.string()),
    limits: z.record(z.string(), z.string()),
  }),
  volumeMounts: z.array(
    z.strictObject({ name: z.string(), mountPath: z.string(), readOnly: z.boolean().optional() }),
  ),
  volumeDevices: z.array(z.strictObject({ name: z.string(), devicePath: z.string() })),
});
const Spec = z.looseObject({ containers: z.array(Container), volumes: z.array(Named) });

const secrets = new Map([['vcenter', ['user', 'password']]]);
const objectOf = (record: VmRecord, worker: WorkerPods) =>
  podObject({ record, worker, site: 'edge', secrets });
function specOf(record = clusterRecord(), worker = workerPods()): z.infer<typeof Spec> {
  return Spec.parse(objectOf(record, worker).spec);
}
const digestOf = (record: VmRecord, worker = workerPods()): string | undefined =>
  objectOf(record, worker).metadata.annotations[DESCRIBED];
/** One disk of each mode. */
function mixed(): VmRecord {
  const record = clusterRecord();
  return {
    ...record,
    disks: record.disks.map((disk, index) => ({ ...disk, volumeMode: index === 0 ? 'Block' : 'Filesystem' })),
  };
}
const environmentOf = ({ env }: z.infer<typeof Container>): Record<string, string> =>
  Object.fromEntries(env.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])));

describe('a worker pod', () => {
  // https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted; the real admission: launch.peer.spec.ts.
  it('asks for no privilege, and has no token', () => {
    const spec = specOf();
    expect(spec).toMatchObject({
      automountServiceAccountToken: false,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: 107,
        fsGroup: 107,
        seccompProfile: { type: 'RuntimeDefault' },
      },
    });
    for (const container of spec.containers)
      expect(container['securityContext']).toEqual({
        allowPrivilegeEscalation: false,
        capabilities: { drop: ['ALL'] },
      });
  });

  it('has each disk where the workers look for it: a device, or a folder', () => {
    const record = mixed();
    const { containers, volumes } = specOf(record);
    for (const { volumeDevices, volumeMounts } of containers) {
      expect(volumeDevices).toEqual([{ name: 'disk-0', devicePath: '/disks/disk-0' }]);
      expect(volumeMounts).toContainEqual({ name: 'disk-1', mountPath: '/disks/disk-1' });
      expect(volumeMounts).toContainEqual({ name: 'scratch', mountPath: '/scratch' });
      expect(volumeMounts.map(({ name }) => name)).not.toContain('disk-0');
    }
    const claims = volumes.filter((volume) => 'persistentVolumeClaim' in volume);
    expect(claims).toEqual([
      { name: 'disk-0', persistentVolumeClaim: { claimName: record.disks[0]?.pvcName } },
      { name: 'disk-1', persistentVolumeClaim: { claimName: record.disks[1]?.pvcName } },
      { name: 'scratch', persistentVolumeClaim: { claimName: scratchName(record) } },
    ]);
  });

  it('tells its workers where they are, each at a port of its own', () => {
    const record = clusterRecord({ settings: { bootProof: true } });
    const all = specOf(record).containers.map(environmentOf);
    for (const env of all)
      expect(env).toMatchObject({
        LEDGERLIFT_SITE: `edge.${podName(record)}`,
        LEDGERLIFT_NATS_URL: 'nats://nats.example.com:4222',
        LEDGERLIFT_NATS_CREDS: '/run/ledgerlift/nats/nats.creds',
        LEDGERLIFT_BESIDE_DISKS: IN_POD.disks,
        LEDGERLIFT_SCRATCH: IN_POD.scratch,
      });
    expect(new Set(all.map((env) => env['LEDGERLIFT_HTTP_PORT'])).size).toBe(3);
  });

  it('probes each worker on its own port, and tolerates a long silence before a restart', () => {
    const { containers } = specOf(clusterRecord({ settings: { bootProof: true } }));
    const Probe = z.object({
      httpGet: z.strictObject({ path: z.string(), port: z.int() }),
      periodSeconds: z.int(),
      timeoutSeconds: z.int(),
      failureThreshold: z.int().default(3),
    });
    const LEASE_S = 15;
    for (const container of containers) {
      // kubelet asks at the pod's address.
      expect(container.env).toContainEqual({
        name: 'LEDGERLIFT_HTTP_HOST',
        valueFrom: { fieldRef: { fieldPath: 'status.podIP' } },
      });
      const [startup, liveness, readiness] = ['startupProbe', 'livenessProbe', 'readinessProbe'].map(
        (probe) => Probe.parse(container[probe]),
      );
      const port = Number(environmentOf(container)['LEDGERLIFT_HTTP_PORT']);
      expect(startup?.httpGet).toEqual({ path: '/health/live', port });
      expect(liveness?.httpGet).toEqual({ path: '/health/live', port });
      expect(readiness?.httpGet).toEqual({ path: '/health/ready', port });
      // Whoever was silent for so long has lost its attempt many times over.
      const hangingS = (liveness?.periodSeconds ?? 0) * (liveness?.failureThreshold ?? 0);
      expect(hangingS).toBeGreaterThan(10 * LEASE_S);
      expect((startup?.periodSeconds ?? 0) * (startup?.failureThreshold ?? 0)).toBeGreaterThanOrEqual(300);
    }
  });

  it('asks once for what its containers use one after the other', () => {
    const worker = workerPods({
      requests: { cpu: '2', memory: '3Gi' },
      limits: { memory: '8Gi' },
      virtualization: 'emulated',
    });
    const { containers } = specOf(clusterRecord({ settings: { bootProof: true } }), worker);
    expect(containers.map(({ name, resources }) => [name, resources])).toEqual([
      ['transfer', { requests: { cpu: '2', memory: '3Gi' }, limits: { memory: '8Gi' } }],
      ['converter', { requests: { cpu: '0', memory: '0' }, limits: { memory: '8Gi' } }],
      ['vm-creator', { requests: { cpu: '0', memory: '0' }, limits: { memory: '8Gi' } }],
    ]);
  });

  it('has the KVM device where QEMU runs, and emulates without it', () => {
    const record = clusterRecord({ settings: { bootProof: true } });
    const kvm = (worker: WorkerPods): unknown[] =>
      specOf(record, worker).containers.map(({ resources }) => resources.limits['devices.kubevirt.io/kvm']);
    const emulated = workerPods({ virtualization: 'emulated' });
    expect(kvm(workerPods())).toEqual([undefined, '1', '1']);
    expect(kvm(emulated)).toEqual([undefined, undefined, undefined]);
    const [with_, without] = [workerPods(), emulated].map((worker) =>
      environmentOf(specOf(record, worker).containers[0] ?? never()),
    );
    expect(with_).not.toHaveProperty('LIBGUESTFS_BACKEND_SETTINGS');
    expect(without).toMatchObject({ LIBGUESTFS_BACKEND_SETTINGS: 'force_tcg', LEDGERLIFT_BOOT_ACCEL: 'tcg' });
  });

  it('reads what is mounted besides, and cannot write it', () => {
    const nfs = { nfs: { server: 'files.example.com', path: '/ovas' } };
    const { containers, volumes } = specOf(
      clusterRecord(),
      workerPods({ volumes: [{ mountPath: '/ovas', volume: nfs }] }),
    );
    expect(volumes).toContainEqual({ ...nfs, name: 'read-0' });
    for (const { volumeMounts } of containers)
      expect(volumeMounts).toContainEqual({ name: 'read-0', mountPath: '/ovas', readOnly: true });
  });

  it('lets images bring tools before its workers start, which find them in the same place', () => {
    const worker = workerPods({
      toolImages: [{ image: 'registry.example.com/vddk:8', mountPath: '/opt' }],
      settings: { LEDGERLIFT_VDDK_DIR: '/opt/vmware-vix-disklib-distrib', LEDGERLIFT_BOOT_ACCEL: 'kvm' },
      virtualization: 'emulated',
    });
    const spec = specOf(clusterRecord(), worker);
    expect(spec['initContainers']).toEqual([
      {
        name: 'tools-0',
        image: 'registry.example.com/vddk:8',
        resources: { requests: { cpu: '0', memory: '0' }, limits: { memory: '4Gi' } },
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
        volumeMounts: [{ name: 'tools-0', mountPath: '/opt' }],
      },
    ]);
    expect(spec.volumes).toContainEqual({ name: 'tools-0', emptyDir: {} });
    for (const container of spec.containers) {
      expect(container.volumeMounts).toContainEqual({ name: 'tools-0', mountPath: '/opt', readOnly: true });
      // What is said of pods as a whole is said last.
      expect(environmentOf(container)).toMatchObject({ ...worker.settings });
    }
    expect(specOf()).not.toHaveProperty('initContainers');
  });

  it('has what is its own of no setting', () => {
    for (const name of OWN_POD_SETTINGS) {
      expect(Object.keys(environmentOf(specOf().containers[0] ?? never()))).toContain(name);
      expect(() => workerPods({ settings: { [name]: 'x' } })).toThrow(
        'is set for each pod by Ledgerlift itself',
      );
    }
    expect(() => workerPods({ settings: { PATH: '/bin' } })).toThrow('must be a setting of the services');
  });

  it('is attached to the network that sources are read over, by default of the VM’s namespace', () => {
    const networksOf = (worker: WorkerPods): unknown =>
      objectOf(clusterRecord(), worker).metadata.annotations['k8s.v1.cni.cncf.io/networks'];
    expect(networksOf(workerPods())).toBeUndefined();
    expect(networksOf(workerPods({ transferNetwork: { name: 'fast' } }))).toBe('default/fast');
    expect(networksOf(workerPods({ transferNetwork: { namespace: 'nets', name: 'fast' } }))).toBe(
      'nets/fast',
    );
  });

  it('mounts secrets where its workers expect them, the credential separately, without containing them', () => {
    const record = clusterRecord();
    const contents = new Map([['vcenter', { user: 'TheUser', password: 'ThePassword' }]]);
    const kept = secretObject(record, 'TheCredential', contents);
    expect(kept.stringData).toEqual({
      'nats.creds': 'TheCredential',
      'vcenter.user': 'TheUser',
      'vcenter.password': 'ThePassword',
    });
    expect(specOf(record).volumes).toEqual(
      expect.arrayContaining([
        {
          name: 'credential',
          secret: { secretName: kept.metadata.name, items: [{ key: 'nats.creds', path: 'nats.creds' }] },
        },
        {
          name: 'secrets',
          secret: {
            secretName: kept.metadata.name,
            items: [
              { key: 'vcenter.user', path: 'vcenter/user' },
              { key: 'vcenter.password', path: 'vcenter/password' },
            ],
          },
        },
      ]),
    );
    const text = JSON.stringify(objectOf(record, workerPods()));
    for (const secret of Object.values(kept.stringData)) expect(text).not.toContain(secret);
  });

  it('has a digest that follows from what it is described as, and from nothing else', () => {
    const before = digestOf(clusterRecord());
    expect(digestOf(clusterRecord())).toBe(before);
    const others = [
      digestOf(mixed()),
      digestOf(clusterRecord({ settings: { bootProof: true } })),
      digestOf(clusterRecord({ disks: 3 })),
      ...[
        { image: 'registry.example.com/ledgerlift:2' },
        { natsUrl: 'nats://other.example.com' },
        { serviceAccount: 'pods' },
        { imagePullSecrets: ['pull'] },
        { requests: { cpu: '2' } },
        { limits: { cpu: '4' } },
        { nodeSelector: { disk: 'fast' } },
        { affinity: { nodeAffinity: {} } },
        { tolerations: [{ operator: 'Exists' }] },
        { transferNetwork: { name: 'fast' } },
        { virtualization: 'emulated' } as const,
        { volumes: [{ mountPath: '/ovas', volume: { emptyDir: {} } }] },
      ].map((over) => digestOf(clusterRecord(), workerPods(over))),
    ];
    expect(new Set([before, ...others]).size).toBe(others.length + 1);
  });
});

describe('the scratch claim', () => {
  const bytesOf = (settings: object): number => {
    const { spec } = scratchObject(clusterRecord({ settings }), 'fast');
    const Storage = z.object({ resources: z.object({ requests: z.object({ storage: z.coerce.number() }) }) });
    return Storage.parse(spec).resources.requests.storage;
  };

  it('has room for what a conversion writes, and for the test of a warm VM also where nothing is converted', () => {
    const [cold, raw] = [bytesOf({ type: 'cold' }), bytesOf({ type: 'cold', skipGuestConversion: true })];
    expect(cold).toBeGreaterThan(raw);
    expect(bytesOf({ type: 'warm' })).toBeGreaterThan(1.9 * cold);
    expect(bytesOf({ type: 'warm', skipGuestConversion: true })).toBe(bytesOf({ type: 'warm' }));
  });
});

describe('the services of a worker pod', () => {
  const settings = ['cold', 'warm', 'conversion'].flatMap((type) =>
    [true, false].flatMap((skipGuestConversion) =>
      [true, false].map((bootProof) => ({ type, skipGuestConversion, bootProof })),
    ),
  ) as readonly { type: 'cold' | 'warm' | 'conversion'; skipGuestConversion: boolean; bootProof: boolean }[];

  it.each(settings)('are those that its steps are asked of: %j', (of) => {
    const record = clusterRecord({ settings: of });
    const inPod = itineraryFor(record).filter(({ site }) => site.includes('.'));
    expect(new Set(servicesOf(record.settings))).toEqual(new Set(inPod.map(({ service }) => service)));
  });
});

function never(): never {
  throw new Error('there is no container');
}
