import { mkdir } from 'node:fs/promises';
import { freePort, OwnedProcess } from '../processes/index.js';
import type { TemporaryFolder } from '../temporary-folder.js';
import { Authority, type CertifiedKey, serviceAccountKeys } from './authority.js';
import type { KubernetesInstallation } from './installed.js';

/** The certificates and keys of one cluster, and its addresses. */
export interface ClusterKeys {
  readonly port: number;
  readonly url: string;
  readonly authority: Authority;
  /** Of the API server and of everything else that serves on 127.0.0.1. */
  readonly server: CertifiedKey;
  readonly admin: CertifiedKey;
  readonly controllerManager: CertifiedKey;
  readonly scheduler: CertifiedKey;
  readonly front: { readonly authority: Authority; readonly client: CertifiedKey };
  readonly accounts: { readonly privateKey: string; readonly publicKey: string };
}

export async function clusterKeys(folder: TemporaryFolder): Promise<ClusterKeys> {
  const path = folder.file('pki');
  await mkdir(path, { mode: 0o700 });
  const [authority, frontAuthority, accounts] = await Promise.all([
    Authority.create(path, 'ca'),
    Authority.create(path, 'front-ca'),
    serviceAccountKeys(path),
  ]);
  const names = ['IP:127.0.0.1', 'DNS:localhost', 'DNS:kubernetes.default.svc'];
  const [server, admin, controllerManager, scheduler, client, port] = await Promise.all([
    authority.sign(path, 'server', '/CN=kube-apiserver', names),
    authority.sign(path, 'admin', '/O=system:masters/CN=admin'),
    authority.sign(path, 'controller-manager', '/CN=system:kube-controller-manager'),
    authority.sign(path, 'scheduler', '/CN=system:kube-scheduler'),
    frontAuthority.sign(path, 'front', '/CN=front-proxy-client'),
    freePort(),
  ]);
  const front = { authority: frontAuthority, client };
  const url = `https://127.0.0.1:${port}`;
  return { port, url, authority, server, admin, controllerManager, scheduler, front, accounts };
}

/** Starts etcd and waits until it serves. @returns the process and the address for clients */
export async function startEtcd(
  installation: KubernetesInstallation,
  folder: TemporaryFolder,
): Promise<{ readonly etcd: OwnedProcess; readonly url: string }> {
  const [clients, peers] = [`http://127.0.0.1:${await freePort()}`, `http://127.0.0.1:${await freePort()}`];
  const etcd = await OwnedProcess.start({
    name: 'etcd',
    command: installation.program('etcd'),
    args: [
      `--data-dir=${folder.file('etcd')}`,
      ...[`--listen-client-urls=${clients}`, `--advertise-client-urls=${clients}`],
      ...[`--listen-peer-urls=${peers}`, `--initial-advertise-peer-urls=${peers}`],
      `--initial-cluster=default=${peers}`,
      // A killed process loses nothing by it; only a machine without power would.
      '--unsafe-no-fsync',
    ],
  });
  await etcd.waitForLine(/ready to serve client requests/, 120_000);
  return { etcd, url: clients };
}

/** Starts the API server, with RBAC and aggregation. Whether it is ready is asked of `/readyz`. */
export function startApiServer(
  installation: KubernetesInstallation,
  keys: ClusterKeys,
  etcdUrl: string,
  more: readonly string[],
): Promise<OwnedProcess> {
  const { authority, server, front, accounts } = keys;
  return OwnedProcess.start({
    name: 'kube-apiserver',
    command: installation.program('kube-apiserver'),
    args: [
      `--etcd-servers=${etcdUrl}`,
      ...['--bind-address=127.0.0.1', '--advertise-address=127.0.0.1', `--secure-port=${keys.port}`],
      ...[`--tls-cert-file=${server.certificate}`, `--tls-private-key-file=${server.key}`],
      `--client-ca-file=${authority.certificate}`,
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-key-file=${accounts.publicKey}`,
      `--service-account-signing-key-file=${accounts.privateKey}`,
      '--authorization-mode=Node,RBAC',
      '--service-cluster-ip-range=10.96.0.0/16',
      '--endpoint-reconciler-type=none',
      '--allow-privileged',
      `--requestheader-client-ca-file=${front.authority.certificate}`,
      '--requestheader-allowed-names=front-proxy-client',
      '--requestheader-username-headers=X-Remote-User',
      '--requestheader-group-headers=X-Remote-Group',
      '--requestheader-extra-headers-prefix=X-Remote-Extra-',
      `--proxy-client-cert-file=${front.client.certificate}`,
      `--proxy-client-key-file=${front.client.key}`,
      ...more,
    ],
  });
}

/** Starts the controllers: of service accounts, quotas, namespaces, garbage and all others. */
export async function startControllerManager(
  installation: KubernetesInstallation,
  { authority, accounts }: ClusterKeys,
  kubeconfig: string,
): Promise<OwnedProcess> {
  return OwnedProcess.start({
    name: 'kube-controller-manager',
    command: installation.program('kube-controller-manager'),
    args: [
      ...[`--kubeconfig=${kubeconfig}`, `--authentication-kubeconfig=${kubeconfig}`],
      `--authorization-kubeconfig=${kubeconfig}`,
      ...['--bind-address=127.0.0.1', `--secure-port=${await freePort()}`, '--leader-elect=false'],
      '--use-service-account-credentials',
      `--service-account-private-key-file=${accounts.privateKey}`,
      `--root-ca-file=${authority.certificate}`,
      ...[
        `--cluster-signing-cert-file=${authority.certificate}`,
        `--cluster-signing-key-file=${authority.key}`,
      ],
    ],
  });
}

/** Starts what gives pods their nodes, and so binds claims that wait for a first pod. */
export async function startScheduler(
  installation: KubernetesInstallation,
  kubeconfig: string,
): Promise<OwnedProcess> {
  return OwnedProcess.start({
    name: 'kube-scheduler',
    command: installation.program('kube-scheduler'),
    args: [
      ...[`--kubeconfig=${kubeconfig}`, `--authentication-kubeconfig=${kubeconfig}`],
      `--authorization-kubeconfig=${kubeconfig}`,
      ...['--bind-address=127.0.0.1', `--secure-port=${await freePort()}`, '--leader-elect=false'],
    ],
  });
}

/** Arguments of kube-apiserver with which it reaches a node's kubelet, for logs of pods. */
export function kubeletAccess({ admin, authority }: ClusterKeys): readonly string[] {
  return [
    ...[`--kubelet-client-certificate=${admin.certificate}`, `--kubelet-client-key=${admin.key}`],
    `--kubelet-certificate-authority=${authority.certificate}`,
    '--kubelet-preferred-address-types=InternalIP',
  ];
}
