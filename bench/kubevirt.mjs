// One plan of five hundred VMs into a real Kubernetes API: the services and nats-server are as they are; bytes are nobody's matter, so the
// workers in pods are done at once (bench/fleet/pods.mjs). Counted in the API server's own audit log: what
// our account asked for, from the first pod to the last owner of a claim. Peer: the fewest calls that leave the same objects behind, sent by
// a script that knows everything beforehand, as many VMs at a time.
import { readFile, writeFile } from 'node:fs/promises';
import { startKubernetes, temporaryFolder } from '@ledgerlift/testing';
import { Fleet } from './fleet/installation.mjs';
import { PlayedPods } from './fleet/pods.mjs';
import { NAMESPACE, giveRoles } from '../node_modules/.cache/e2e/installation/cluster.js';

const VMS = Number(process.env.KUBEVIRT_VMS ?? 500);
const AT_ONCE = 100;
const ACCOUNT = { namespace: 'ledgerlift', name: 'migrator' };
const USER = `system:serviceaccount:${ACCOUNT.namespace}:${ACCOUNT.name}`;
const POLICY = JSON.stringify({
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [{ level: 'Metadata', users: [USER] }, { level: 'None' }],
});

export async function run(emit) {
  await using folder = temporaryFolder('bench-kubevirt');
  await writeFile(folder.file('policy.json'), POLICY);
  const auditLog = folder.file('audit.log');
  await using kubernetes = await startKubernetes({
    extras: 'admission',
    controllerManager: true,
    apiServerArguments: [`--audit-policy-file=${folder.file('policy.json')}`, `--audit-log-path=${auditLog}`],
  });
  const kubeconfig = await prepared(kubernetes);
  const { admin } = kubernetes;
  const fleet = await Fleet.start(VMS, {
    nats: { operator: true },
    secrets: { cluster: { kubeconfig } },
    instant: [],
    target: ({ nats }) => ({
      type: 'kubevirt',
      secret: { name: 'cluster' },
      settings: {
        access: { kind: 'kubeconfig' },
        namespaces: [NAMESPACE],
        worker: {
          image: 'local.test/ledgerlift:1',
          natsUrl: nats.url,
          scratchStorageClass: 'disks',
          virtualization: 'emulated',
        },
      },
    }),
    destination: { storageClass: 'disks', accessMode: 'ReadWriteOnce', volumeMode: 'Block' },
    plan: { targetNamespace: NAMESPACE },
  });
  const pods = new PlayedPods({ admin, namespace: NAMESPACE, folder: folder.file('creds') });
  try {
    const begun = performance.now();
    const id = await fleet.startPlan();
    const { counts } = await fleet.reaches(id, ({ completedAt }) => completedAt !== undefined);
    const seconds = (performance.now() - begun) / 1000;
    if (counts.succeeded !== VMS) {
      const { conditions } = await fleet.call('vms.get', undefined, { migration: id, vm: 0 });
      throw new Error(`not all succeeded: ${JSON.stringify({ counts, conditions })}`);
    }
    const asked = await callsIn(auditLog);
    if (process.env.KUBEVIRT_VERBOSE) console.error(asked.byKind);
    // The pods of the script are run by nobody.
    await pods.stop();
    const floor = await fewestCalls(admin);
    const row = (name, unit, value, peerValue, peer) =>
      emit({
        name,
        value: round(value),
        unit,
        peer,
        peerValue: round(peerValue),
        ratio: round(value / peerValue),
      });
    row('kubevirt.api-calls', 'calls/VM', asked.count / VMS, floor.calls, 'the fewest for the same objects');
    row('kubevirt.seconds', 's/VM', seconds / VMS, floor.seconds / VMS, 'these calls alone');
  } finally {
    await pods.stop();
    await fleet.stop();
  }
}

/** A namespace, a class, a node on paper, and an account with the printed roles. @returns its kubeconfig */
async function prepared(kubernetes) {
  const { admin } = kubernetes;
  for (const name of [ACCOUNT.namespace, NAMESPACE])
    await admin.create('/api/v1/namespaces', { metadata: { name } });
  await admin.create('/apis/storage.k8s.io/v1/storageclasses', {
    metadata: { name: 'disks' },
    provisioner: 'bench.example/none',
    volumeBindingMode: 'WaitForFirstConsumer',
  });
  const room = { cpu: '64', memory: '256Gi', pods: '1000' };
  await admin.create('/api/v1/nodes', {
    metadata: { name: 'paper', labels: { 'kubevirt.io/schedulable': 'true' } },
  });
  await admin.patch('/api/v1/nodes/paper/status', {
    status: { capacity: room, allocatable: room, conditions: [{ type: 'Ready', status: 'True' }] },
  });
  const token = await admin.serviceAccount(ACCOUNT.namespace, ACCOUNT.name);
  await giveRoles(kubernetes, [NAMESPACE]);
  return kubernetes.kubeconfig({ token });
}

/** Every request has an id; a watch is logged when it begins and when it ends. */
async function callsIn(auditLog) {
  const lines = (await readFile(auditLog, 'utf8')).split('\n').filter((line) => line !== '');
  const seen = new Map();
  for (const line of lines) {
    const { auditID, verb, objectRef } = JSON.parse(line);
    seen.set(
      auditID,
      `${verb} ${objectRef?.resource ?? ''}${objectRef?.subresource ? `/${objectRef.subresource}` : ''}`,
    );
  }
  const byKind = {};
  for (const kind of seen.values()) byKind[kind] = (byKind[kind] ?? 0) + 1;
  return { count: seen.size, byKind };
}

/**
 * Two claims, a pod with its secret and its scratch claim, which go again, a VM, and its name on its claims: what any migration into a
 * cluster by a pod comes to.
 */
async function fewestCalls(admin) {
  const core = `/api/v1/namespaces/${NAMESPACE}`;
  const machines = `/apis/kubevirt.io/v1/namespaces/${NAMESPACE}/virtualmachines`;
  const claims = `${core}/persistentvolumeclaims`;
  const claim = (name) => ({
    metadata: { name },
    spec: {
      storageClassName: 'disks',
      accessModes: ['ReadWriteOnce'],
      volumeMode: 'Block',
      resources: { requests: { storage: '1Mi' } },
    },
  });
  let calls = 0;
  const call = (work) => {
    calls += 1;
    return work;
  };
  const one = async (number) => {
    const name = `floor-${number}`;
    const names = [`${name}-0`, `${name}-1`];
    for (const each of [...names, `${name}-scratch`]) await call(admin.create(claims, claim(each)));
    await call(admin.create(`${core}/secrets`, { metadata: { name }, stringData: { creds: 'x' } }));
    const containers = [{ name: 'transfer', image: 'local.test/ledgerlift:1' }];
    await call(admin.create(`${core}/pods`, { metadata: { name }, spec: { containers } }));
    const { metadata } = await call(
      admin.create(machines, {
        apiVersion: 'kubevirt.io/v1',
        kind: 'VirtualMachine',
        metadata: { name },
        spec: {
          runStrategy: 'Halted',
          template: { spec: { domain: { memory: { guest: '4Gi' }, devices: {} } } },
        },
      }),
    );
    for (const path of [`pods/${name}`, `secrets/${name}`, `persistentvolumeclaims/${name}-scratch`])
      await call(admin.remove(`${core}/${path}`));
    const owner = { apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachine', name, uid: metadata.uid };
    for (const each of names)
      await call(admin.patch(`${claims}/${each}`, { metadata: { ownerReferences: [owner] } }));
  };
  const begun = performance.now();
  let next = 0;
  const lane = async () => {
    while (next < VMS) await one((next += 1));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return { calls: calls / VMS, seconds: (performance.now() - begun) / 1000 };
}

const round = (value) => Number(value.toPrecision(3));
