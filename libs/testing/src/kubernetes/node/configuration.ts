import { join } from 'node:path';

/** What a node's files say. */
export interface NodeSettings {
  /** In which all that the node writes lies. */
  readonly folder: string;
  /** Debian's packages, unpacked. */
  readonly programs: string;
  readonly cgroup: string;
  readonly bridge: string;
  /** Of the machine on the bridge: of kubelet, and for pods the way to the machine. */
  readonly address: string;
  /** Of the pods, as `10.200.1.0/24`. */
  readonly subnet: string;
  /** PEM files. */
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
}

export const PAUSE_IMAGE = 'local.test/pause:1';

/** Where containerd listens. */
export const containerdSocket = (folder: string): string => join(folder, 'containerd.sock');

/** Of containerd 1.6 (github.com/containerd/containerd, docs/cri/config.md). */
export function containerdToml({ folder, programs }: NodeSettings): string {
  return `version = 2
root = "${folder}/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.tracing.processor.v1.otlp"]
[grpc]
  address = "${containerdSocket(folder)}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${PAUSE_IMAGE}"
  # Without CAP_SYS_RESOURCE, as in many containers, runc cannot lower a sandbox's score, and fails.
  restrict_oom_score_adj = true
  # A Block claim belongs to the pod's user: else only root writes to it. KubeVirt and CDI want it too.
  device_ownership_from_security_context = true
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "${programs}/usr/lib/cni"
    conf_dir = "${folder}/cni"
`;
}

/** Pods reach each other and this machine, and nothing else: there is no masquerading, and so no need of iptables. */
export function networkConfiguration({ folder, bridge, subnet }: NodeSettings): object {
  return {
    cniVersion: '1.0.0',
    name: 'pods',
    plugins: [
      {
        type: 'bridge',
        bridge,
        isGateway: true,
        hairpinMode: true,
        ipam: {
          type: 'host-local',
          dataDir: join(folder, 'addresses'),
          ranges: [[{ subnet }]],
          routes: [{ dst: '0.0.0.0/0' }],
        },
      },
      { type: 'loopback' },
    ],
  };
}

/** kubelet.config.k8s.io/v1beta1. */
export function kubeletConfiguration(settings: NodeSettings, port: number): object {
  const { folder, cgroup, address, authority, certificate, key } = settings;
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    address,
    port,
    healthzPort: 0,
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: authority },
    },
    authorization: { mode: 'Webhook' },
    tlsCertFile: certificate,
    tlsPrivateKeyFile: key,
    cgroupDriver: 'cgroupfs',
    cgroupRoot: `/${cgroup}`,
    failCgroupV1: false,
    enforceNodeAllocatable: [],
    failSwapOn: false,
    containerRuntimeEndpoint: `unix://${containerdSocket(folder)}`,
    clusterDomain: 'cluster.local',
    resolvConf: '/dev/null',
    volumePluginDir: join(folder, 'volume-plugins'),
    makeIPTablesUtilChains: false,
    // This machine's disk is not the test's.
    evictionHard: { 'memory.available': '50Mi', 'nodefs.available': '1%', 'imagefs.available': '1%' },
    imageGCHighThresholdPercent: 100,
    localStorageCapacityIsolation: false,
    // By default it asks only each minute for changes of secrets, and its status is told each five.
    syncFrequency: '10s',
    nodeStatusUpdateFrequency: '2s',
    maxPods: 50,
  };
}
