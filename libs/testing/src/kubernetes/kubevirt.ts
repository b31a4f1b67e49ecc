import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { PeerFailed } from '../errors.js';
import { freePort, OwnedProcess } from '../processes/index.js';
import { type KubernetesAdmin, httpsStatus } from './admin.js';
import type { ClusterKeys } from './control-plane.js';
import type { KubernetesInstallation, KubernetesObject } from './installed.js';
import { untilReady } from './ready.js';

const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const NAMESPACE = 'kubevirt';

/** Makes the custom resources of KubeVirt, CDI, networks and snapshots known, and waits until each is served. */
export async function installDefinitions(
  admin: KubernetesAdmin,
  definitions: readonly KubernetesObject[],
): Promise<void> {
  await Promise.all(definitions.map((definition) => admin.create(DEFINITIONS, definition)));
  await Promise.all(
    definitions.map(async ({ metadata: { name } }) => {
      for (let tries = 0; !(await isServed(admin, name)); tries += 1) {
        if (tries > 600) throw new PeerFailed('kube-apiserver', `does not serve ${name}`, []);
        await delay(100);
      }
    }),
  );
}

async function isServed(admin: KubernetesAdmin, definition: string): Promise<boolean> {
  const { status } = await admin.call<{
    readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
  }>(`${DEFINITIONS}/${definition}/status`);
  return status?.conditions?.some((each) => each.type === 'Established' && each.status === 'True') ?? false;
}

/**
 * Runs KubeVirt's own virt-api outside the cluster, and has the API server ask it about every VirtualMachine: its
 * defaults and its refusals are KubeVirt's. There is no other part of KubeVirt, so nothing ever starts.
 */
export async function startAdmission(
  installation: KubernetesInstallation,
  admin: KubernetesAdmin,
  keys: ClusterKeys,
  kubeconfig: string,
): Promise<OwnedProcess> {
  const ca = await keys.authority.pem();
  await admin.create('/api/v1/namespaces', { metadata: { name: NAMESPACE } });
  await admin.create(`/api/v1/namespaces/${NAMESPACE}/configmaps`, {
    metadata: { name: 'kubevirt-ca' },
    data: { 'ca-bundle': ca },
  });
  await createKubeVirt(admin);
  const port = await freePort();
  const api = await OwnedProcess.start({
    name: 'virt-api',
    command: installation.program('virt-api'),
    args: [
      ...['--listen', '127.0.0.1', '--port', String(port), '--kubeconfig', kubeconfig],
      ...['--console-server-port', String(await freePort())],
      ...['--tls-cert-file', keys.server.certificate, '--tls-key-file', keys.server.key],
      ...['--handler-cert-file', keys.server.certificate, '--handler-key-file', keys.server.key],
    ],
  });
  try {
    await untilReady(api, async () => (await httpsStatus(`https://127.0.0.1:${port}/`, ca)) > 0);
    const caBundle = (await readFile(keys.authority.certificate)).toString('base64');
    for (const { webhooks, ...configuration } of installation.webhooks())
      await admin.create(`/apis/admissionregistration.k8s.io/v1/${configuration.kind.toLowerCase()}s`, {
        ...configuration,
        webhooks: webhooks.map(({ clientConfig: { service }, ...webhook }) => ({
          ...webhook,
          clientConfig: { url: `https://127.0.0.1:${port}${service.path ?? ''}`, caBundle },
        })),
      });
  } catch (error) {
    await api.stop();
    throw error;
  }
  return api;
}

/** As virt-operator leaves it. virt-api reads its configuration from it. */
async function createKubeVirt(admin: KubernetesAdmin): Promise<void> {
  const path = `/apis/kubevirt.io/v1/namespaces/${NAMESPACE}/kubevirts`;
  await admin.create(path, {
    apiVersion: 'kubevirt.io/v1',
    kind: 'KubeVirt',
    metadata: { name: 'kubevirt' },
    spec: { configuration: { developerConfiguration: { useEmulation: true, featureGates: [] } } },
  });
  await admin.patch(`${path}/kubevirt/status`, {
    status: { phase: 'Deployed', defaultArchitecture: 'amd64' },
  });
}
