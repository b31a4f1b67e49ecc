import { createHash } from 'node:crypto';
import type { ServiceName, VmRecord, WorkerPods } from '@ledgerlift/contracts';
import { ownLabels } from '../ownership.js';
import { podName, podSite, scratchName } from './names.js';
import type { PartObject } from './parts.js';

/** Where things are inside the pod. */
export const IN_POD = {
  /** `disk-0`, … in the record's order: a block device, or a folder with `disk.img`. */
  disks: '/disks',
  scratch: '/scratch',
  credential: '/run/ledgerlift/nats',
  secrets: '/run/ledgerlift/secrets',
} as const;

/** Key of the secret with NATS' credential. */
export const CREDENTIAL_KEY = 'nats.creds';
/** Keys of the secret that are others' secrets: `{secret}.{key}`, for a name has no dots. */
export const secretKey = (secret: string, key: string): string => `${secret}.${key}`;

export interface PodRequest {
  readonly record: VmRecord;
  readonly worker: WorkerPods;
  /** At which the cluster is reached. */
  readonly site: string;
  /** The secrets that the workers read, with their keys. */
  readonly secrets: ReadonlyMap<string, readonly string[]>;
}

/** A user that is nobody on the node; qemu's on most systems. Pods of it are allowed where PodSecurity is `restricted`. */
const USER = 107;

/**
 * The pod in which the disks of one VM are copied and its guest is converted. Pure.
 *
 * It runs without any privilege: claims are mounted for its group, libguestfs' appliance is a QEMU that needs no more than (where it is
 * to be fast) the device /dev/kvm, which KubeVirt's device plugin gives. It has no token for the cluster's API.
 */
export function podObject(request: PodRequest): PartObject {
  const { record, worker } = request;
  const { labels, annotations } = ownLabels(record);
  const services = servicesOf(record);
  const networks = networksOf(request);
  const spec = {
    restartPolicy: 'Always',
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    ...(worker.serviceAccount === undefined ? {} : { serviceAccountName: worker.serviceAccount }),
    ...(worker.imagePullSecrets.length === 0
      ? {}
      : { imagePullSecrets: worker.imagePullSecrets.map((name) => ({ name })) }),
    nodeSelector: worker.nodeSelector,
    ...(worker.affinity === undefined ? {} : { affinity: worker.affinity }),
    ...(worker.tolerations.length === 0 ? {} : { tolerations: worker.tolerations }),
    // A worker hands back what it does within seconds; qemu-nbd flushes what it holds.
    terminationGracePeriodSeconds: 60,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: USER,
      runAsGroup: USER,
      fsGroup: USER,
      // Files of a large claim are not all given a new group at every start.
      fsGroupChangePolicy: 'OnRootMismatch',
      seccompProfile: { type: 'RuntimeDefault' },
    },
    containers: services.map((service, index) => containerOf(service, request, index)),
    volumes: volumesOf(request),
  };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: podName(record),
      namespace: record.targetNamespace,
      labels: { ...labels, 'app.kubernetes.io/component': 'worker-pod' },
      annotations: {
        ...annotations,
        ...networks,
        // What a pod is cannot be changed: one that was described otherwise is made again.
        [DESCRIBED]: createHash('sha256')
          .update(JSON.stringify([networks, spec]))
          .digest('hex')
          .slice(0, 16),
      },
    },
    spec,
  };
}

/** The annotation that Multus reads (k8snetworkplumbingwg/multus-cni, docs/how-to-use.md). */
function networksOf({ record, worker: { transferNetwork } }: PodRequest): Readonly<Record<string, string>> {
  if (transferNetwork === undefined) return {};
  const { namespace = record.targetNamespace, name } = transferNetwork;
  return { 'k8s.v1.cni.cncf.io/networks': `${namespace}/${name}` };
}

/** Annotation with a digest of what the pod was described as. */
export const DESCRIBED = 'ledgerlift.io/described';

/** Only what the VM's steps need. */
export function servicesOf({ settings }: VmRecord): readonly ServiceName[] {
  const { type, skipGuestConversion, bootProof } = settings;
  return [
    ...(type === 'conversion' ? [] : (['transfer'] as const)),
    // The test of a warm VM is made by the converter in any case: it lays the overlays that are booted.
    ...(skipGuestConversion && type !== 'warm' ? [] : (['converter'] as const)),
    ...(bootProof || type === 'warm' ? (['vm-creator'] as const) : []),
  ];
}

function containerOf(service: ServiceName, { record, worker, site }: PodRequest, index: number): object {
  const { requests, limits, virtualization } = worker;
  // They work one after the other: what the pod asks for is asked for once, and each may use it all. The others ask for nothing, in
  // so many words: Kubernetes takes a request that is left out to be the limit.
  const asked = index === 0 ? requests : { cpu: '0', memory: '0' };
  const device = virtualization === 'kvm' && service !== 'transfer' ? { [KVM]: '1' } : {};
  const disks = record.disks.map(({ volumeMode }, disk) => ({ volumeMode, name: `disk-${disk}` }));
  return {
    name: service,
    image: worker.image,
    args: [service],
    env: Object.entries(environmentOf(record, worker, site, index)).map(([name, value]) => ({ name, value })),
    resources: { requests: { ...asked, ...device }, limits: { ...limits, ...device } },
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
    volumeMounts: [
      ...disks
        .filter(({ volumeMode }) => volumeMode === 'Filesystem')
        .map(({ name }) => ({ name, mountPath: `${IN_POD.disks}/${name}` })),
      { name: 'scratch', mountPath: IN_POD.scratch },
      { name: 'credential', mountPath: IN_POD.credential, readOnly: true },
      { name: 'secrets', mountPath: IN_POD.secrets, readOnly: true },
      ...worker.volumes.map(({ mountPath }, volume) => ({
        name: `read-${volume}`,
        mountPath,
        readOnly: true,
      })),
    ],
    volumeDevices: disks
      .filter(({ volumeMode }) => volumeMode === 'Block')
      .map(({ name }) => ({ name, devicePath: `${IN_POD.disks}/${name}` })),
  };
}

/** Of KubeVirt's device plugin (kubevirt.io/kubevirt, docs/devel/device-plugins.md). */
const KVM = 'devices.kubevirt.io/kvm';
const HEALTH_PORT = 8081;

function environmentOf(
  record: VmRecord,
  { natsUrl, virtualization }: WorkerPods,
  site: string,
  index: number,
): Readonly<Record<string, string>> {
  return {
    LEDGERLIFT_SITE: podSite(site, record),
    LEDGERLIFT_NATS_URL: natsUrl,
    LEDGERLIFT_NATS_CREDS: `${IN_POD.credential}/${CREDENTIAL_KEY}`,
    LEDGERLIFT_SECRETS_DIR: IN_POD.secrets,
    LEDGERLIFT_SLOTS: '1',
    LEDGERLIFT_BESIDE_DISKS: IN_POD.disks,
    LEDGERLIFT_SCRATCH: IN_POD.scratch,
    // Containers of a pod share its ports.
    LEDGERLIFT_HTTP_PORT: String(HEALTH_PORT + index),
    HOME: '/tmp',
    ...(virtualization === 'emulated'
      ? { LIBGUESTFS_BACKEND_SETTINGS: 'force_tcg', LEDGERLIFT_BOOT_ACCEL: 'tcg' }
      : {}),
  };
}

function volumesOf({ record, worker, secrets }: PodRequest): readonly object[] {
  const secretName = podName(record);
  const items = [...secrets].flatMap(([secret, keys]) =>
    keys.map((key) => ({ key: secretKey(secret, key), path: `${secret}/${key}` })),
  );
  return [
    ...record.disks.map(({ pvcName: claimName }, index) => ({
      name: `disk-${index}`,
      persistentVolumeClaim: { claimName },
    })),
    { name: 'scratch', persistentVolumeClaim: { claimName: scratchName(record) } },
    {
      name: 'credential',
      secret: { secretName, items: [{ key: CREDENTIAL_KEY, path: CREDENTIAL_KEY }] },
    },
    { name: 'secrets', ...(items.length === 0 ? { emptyDir: {} } : { secret: { secretName, items } }) },
    ...worker.volumes.map(({ volume }, index) => ({ ...volume, name: `read-${index}` })),
  ];
}
