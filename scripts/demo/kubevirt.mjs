// A real guest in an OVA, migrated into a real Kubernetes cluster: copied and converted by worker pods on a real kubelet, beside a
// Block claim, and made a VirtualMachine that KubeVirt's own admission takes. The cluster has none of KubeVirt's other controllers, so
// nothing starts the VM there: KubeVirt's own converter says which libvirt domain it would be, and libvirt boots that from the claim's volume.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { auditVerify, openLogForReading } from '@ledgerlift/event-log';
import {
  bootDomain,
  buildOva,
  guestImage,
  kubevirtDomains,
  startKubernetes,
  startNats,
  workerImage,
} from '@ledgerlift/testing';
import { allHold, demo, say } from './session.mjs';

const VM = 'demo-guest';
const MIB = 2 ** 20;

const definitions = (ovas, natsUrl) => ({
  'providers.yaml': `name: files
type: ova
settings:
  path: ${ovas}
---
name: cluster
type: kubevirt
secret: { name: cluster }
settings:
  access: { kind: kubeconfig }
  namespaces: [vms]
  worker:
    image: local.test/ledgerlift:1
    natsUrl: ${natsUrl}
    scratchStorageClass: files
    virtualization: emulated
    requests: { cpu: 100m, memory: 256Mi }
    volumes:
      - mountPath: ${ovas}
        volume: { hostPath: { path: ${ovas} } }
`,
  'mappings.yaml': `kind: network
name: networks
source: files
target: cluster
pairs:
  - source: VM Network
    destination: { type: pod }
---
kind: storage
name: storages
source: files
target: cluster
pairs:
  - source: ova
    destination: { storageClass: block, accessMode: ReadWriteOnce, volumeMode: Block }
`,
  'plan.yaml': `name: demo
source: files
target: cluster
targetNamespace: vms
networkMapping: networks
storageMapping: storages
verify: full
bootProof: true
vms:
  - ref: ${VM}
`,
});

export const kubevirtDemo = () =>
  demo(async (session) => {
    const { folder, start, define, ask, must } = session;
    say('building a bootable Debian guest with VMware devices, packed as an OVA');
    const ovas = join(folder, 'ovas');
    await mkdir(ovas);
    const vm = {
      name: VM,
      disks: [{ raw: await guestImage() }],
      controller: 'VirtualSCSI',
      nics: [{ network: 'VM Network', model: 'VmxNet3' }],
      os: 'debian12_64Guest',
    };
    await buildOva({ name: VM, folder: ovas, vms: [vm] });
    say(
      "starting etcd, kube-apiserver with KubeVirt's admission, its controllers, and a node with kubelet and containerd",
    );
    await using kubernetes = await startKubernetes({ extras: 'admission', node: true });
    const { admin, node } = kubernetes;
    await node.importImage(workerImage());
    // What virt-handler says of a node on which VMs can run.
    await admin.patch(`/api/v1/nodes/${node.name}`, {
      metadata: { labels: { 'kubevirt.io/schedulable': 'true' } },
    });
    await admin.create('/api/v1/namespaces', { metadata: { name: 'vms' } });
    const volume = await kubernetes.blockVolume({ name: 'disk', bytes: 512 * MIB, storageClass: 'block' });
    await kubernetes.fileVolume({ name: 'scratch', bytes: 1024 * MIB, storageClass: 'files' });
    say('starting NATS in operator mode: each worker pod gets a credential for its own VM alone');
    await using nats = await startNats({ operator: true });
    const reached = await node.publish(Number(new URL(nats.url).port));
    const secret = join(folder, 'secrets', 'cluster');
    await mkdir(secret, { recursive: true });
    await writeFile(join(secret, 'kubeconfig'), await kubernetes.kubeconfig(), { mode: 0o600 });
    const files = {};
    for (const [name, content] of Object.entries(definitions(ovas, `nats://${node.address}:${reached}`)))
      files[name] = await define(name, content);
    await start(
      {
        LEDGERLIFT_SECRETS_DIR: join(folder, 'secrets'),
        LEDGERLIFT_NATS_CREDS: nats.operator.servicesCreds,
        LEDGERLIFT_NATS_SIGNING_SEED_FILE: nats.operator.signingSeedFile,
        LEDGERLIFT_NATS_ACCOUNT: nats.operator.account,
      },
      nats.url,
    );
    await must('provider', 'create', '-f', files['providers.yaml']);
    await must('mapping', 'create', '-f', files['mappings.yaml']);
    await must('plan', 'create', '-f', files['plan.yaml']);
    await must('plan', 'validate', 'demo');
    await must('plan', 'render', 'demo');
    await ask('start', 'demo', '--watch');
    const [migration] = JSON.parse(await must('--json', 'status'));
    say('what happened, from the event log:');
    await must('events', migration.id);
    const done = JSON.parse(await must('--json', 'status', `${migration.id}/0`));
    const names = async (path) => (await admin.call(path)).items.map(({ metadata }) => metadata.name);
    const core = '/api/v1/namespaces/vms';
    const left = { pods: await names(`${core}/pods`), secrets: await names(`${core}/secrets`) };
    const claims = await names(`${core}/persistentvolumeclaims`);
    const machines = await names('/apis/kubevirt.io/v1/namespaces/vms/virtualmachines');
    say(`in the namespace vms: VirtualMachine ${machines}, claim ${claims}`);
    say('KubeVirt says what it would start, and libvirt starts it from the volume of the claim');
    const kept = await admin.call(`/apis/kubevirt.io/v1/namespaces/vms/virtualmachines/${VM}`);
    const [disk] = kept.spec.template.spec.volumes;
    const [domain] = await kubevirtDomains([{ vm: kept, block: [disk.name] }], 'emulated');
    if (domain.refused !== undefined) say(`KubeVirt's converter refuses: ${domain.refused}`);
    const booted =
      domain.xml !== undefined &&
      (await bootDomain({
        xml: domain.xml,
        volumes: { [disk.name]: volume.device },
        until: /login:/,
        timeoutMs: 300_000,
      }).then(
        () => true,
        (error) => say(error.message),
      ));
    const log = await openLogForReading(join(folder, 'data', 'events.db'));
    const { findings } = await auditVerify(log);
    await log.close();
    return allHold({
      'the migration succeeded': done.state === 'succeeded',
      "the guest was converted in the pod, and boots from its claim's bytes on virtio":
        done.bootProof?.booted === true && done.capabilities?.diskBus === 'virtio',
      "KubeVirt's admission took the VirtualMachine": machines.includes(VM),
      'the domain that KubeVirt makes of it boots to a login prompt': booted === true,
      'its claim is there, and nothing else of ours':
        claims.length === 1 && left.pods.length + left.secrets.length === 0,
      'the hash chains of the event log hold': findings.length === 0,
    });
  });
