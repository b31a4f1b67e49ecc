import type { OWN_POD_SETTINGS, ServiceName, VmRecord, WorkerPods } from '@ledgerlift/contracts';
import { createHash } from 'node:crypto';
import { ownLabels } from '../ownership.js';
import { podName, podSite, scratchName } from './names.js';
import type { PartObject } from './parts.js';

/** Paths inside the pod. */
export const IN_POD = {
  /** `disk-0`, … in the record's order: a block device, or a folder with `disk.img`. */
  disks: '/disks',
  scratch: '/scratch',
  credential: '/run/ledgerlift/nats',
  secrets: '/run/ledgerlift/secrets',
} as const;

/** Key of the NATS credential in the pod's secret. */
export const CREDENTIAL_KEY = 'nats.creds';
/** Key of a copied secret in the pod's secret: `{secret}.{key}`, unambiguous because names have no dots. */
export const secretKey = (secret: string, key: string): string => `${secret}.${key}`;

export interface PodRequest {
  readonly record: VmRecord;
  readonly worker: WorkerPods;
  /** Site that reaches the cluster. */
  readonly site: string;
  /** The secrets that the workers read, with their keys. */
  readonly secrets: ReadonlyMap<string, readonly string[]>;
}

/** An unprivileged user id, qemu's on most systems. PodSecurity `restricted` admits its pods. */
const USER = 107;

/**
 * Builds the pod that copies the disks of one VM and converts its guest. Pure.
 *
 * It runs without privileges: claims are mounted for its group, and libguestfs' appliance is a QEMU that needs at most /dev/kvm (for
 * speed), which KubeVirt's device plugin provides. It has no token for the cluster's API.
 */
export function podObject(request: PodRequest): PartObject {
  const { record, worker } = request;
  const { labels, annotations } = ownLabels(record);
  const services = servicesOf(record.settings);
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
    // A worker stops within seconds, but qemu-nbd must flush its cache.
    terminationGracePeriodSeconds: 60,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: USER,
      runAsGroup: USER,
      fsGroup: USER,
      // Avoid changing the group of all files of a large claim at every start.
      fsGroupChangePolicy: 'OnRootMismatch',
      seccompProfile: { type: 'RuntimeDefault' },
    },
    ...(worker.toolImages.length === 0 ? {} : { initContainers: toolsOf(worker) }),
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
        // A pod cannot be changed, so a changed description means a new pod.
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

/** Annotation with a digest of the pod's description. */
export const DESCRIBED = 'ledgerlift.io/described';

/** Lists only the services that the VM's steps need. */
export function servicesOf(
  settings: Pick<VmRecord['settings'], 'type' | 'skipGuestConversion' | 'bootProof'>,
): readonly ServiceName[] {
  const { type, skipGuestConversion, bootProof } = settings;
  return [
    ...(type === 'conversion' ? [] : (['transfer'] as const)),
    // The test of a warm VM always needs the converter, which creates the overlays to boot.
    ...(skipGuestConversion && type !== 'warm' ? [] : (['converter'] as const)),
    ...(bootProof || type === 'warm' ? (['vm-creator'] as const) : []),
  ];
}

function containerOf(service: ServiceName, { record, worker, site }: PodRequest, index: number): object {
  const { requests, limits, virtualization } = worker;
  // The containers work one after the other, so only the first requests resources, and each may use them all. The others request 0
  // explicitly, because Kubernetes uses the limit as the default request.
  const asked = index === 0 ? requests : { cpu: '0', memory: '0' };
  const device = virtualization === 'kvm' && service !== 'transfer' ? { [KVM]: '1' } : {};
  const disks = record.disks.map(({ volumeMode }, disk) => ({ volumeMode, name: `disk-${disk}` }));
  return {
    name: service,
    image: worker.image,
    args: [service],
    env: [
      ...Object.entries(environmentOf(record, worker, site, index)).map(([name, value]) => ({ name, value })),
      // The kubelet probes this address, IPv4 or IPv6.
      { name: 'LEDGERLIFT_HTTP_HOST', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
    ],
    ...probesOf(HEALTH_PORT + index),
    resources: { requests: { ...asked, ...device }, limits: { ...limits, ...device } },
    securityContext: UNPRIVILEGED,
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
      ...worker.toolImages.map(({ mountPath }, tool) => ({
        name: toolName(tool),
        mountPath,
        readOnly: true,
      })),
    ],
    volumeDevices: disks
      .filter(({ volumeMode }) => volumeMode === 'Block')
      .map(({ name }) => ({ name, devicePath: `${IN_POD.disks}/${name}` })),
  };
}

const UNPRIVILEGED = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } };
const toolName = (index: number): string => `tools-${index}`;

/** Init containers run one at a time and before the workers, so they need no extra resources. */
const toolsOf = ({ toolImages, limits }: WorkerPods): readonly object[] =>
  toolImages.map(({ image, mountPath }, index) => ({
    name: toolName(index),
    image,
    resources: { requests: { cpu: '0', memory: '0' }, limits },
    securityContext: UNPRIVILEGED,
    volumeMounts: [{ name: toolName(index), mountPath }],
  }));

/**
 * Restarts a worker that no longer answers. A worker answers even while tools run or storage stalls; if it gets no CPU for this long, its
 * lease and attempt are over anyway. Readiness only shows users that it has reached NATS.
 */
function probesOf(port: number): object {
  const [live, ready] = ['/health/live', '/health/ready'].map((path) => ({ httpGet: { path, port } }));
  return {
    startupProbe: { ...live, periodSeconds: 5, timeoutSeconds: 5, failureThreshold: 60 },
    livenessProbe: { ...live, periodSeconds: 20, timeoutSeconds: 15, failureThreshold: 9 },
    readinessProbe: { ...ready, periodSeconds: 10, timeoutSeconds: 5 },
  };
}

/** Resource of KubeVirt's device plugin (kubevirt.io/kubevirt, docs/devel/device-plugins.md). */
const KVM = 'devices.kubevirt.io/kvm';
const HEALTH_PORT = 8081;

function environmentOf(
  record: VmRecord,
  { natsUrl, virtualization, settings }: WorkerPods,
  site: string,
  index: number,
): Readonly<Record<string, string>> {
  const own: Readonly<Record<(typeof OWN_POD_SETTINGS)[number], string>> = {
    LEDGERLIFT_SITE: podSite(site, record),
    LEDGERLIFT_NATS_URL: natsUrl,
    LEDGERLIFT_NATS_CREDS: `${IN_POD.credential}/${CREDENTIAL_KEY}`,
    LEDGERLIFT_SECRETS_DIR: IN_POD.secrets,
    LEDGERLIFT_SLOTS: '1',
    LEDGERLIFT_BESIDE_DISKS: IN_POD.disks,
    LEDGERLIFT_SCRATCH: IN_POD.scratch,
    // Containers of a pod share its ports.
    LEDGERLIFT_HTTP_PORT: String(HEALTH_PORT + index),
  };
  return {
    ...own,
    HOME: '/tmp',
    ...(virtualization === 'emulated'
      ? { LIBGUESTFS_BACKEND_SETTINGS: 'force_tcg', LEDGERLIFT_BOOT_ACCEL: 'tcg' }
      : {}),
    ...settings,
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
    ...worker.toolImages.map((_, index) => ({ name: toolName(index), emptyDir: {} })),
  ];
}
