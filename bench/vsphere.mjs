// What a vCenter of 1,000 VMs costs (simulated): seconds to read all of it, memory that it takes here, and milliseconds until
// a change at the source is seen. Peer: the same properties in one plain request, parsed and thrown away, which tells of no
// change at all. Then `vsphere.delta.*`: bytes that a warm pass reads through VDDK, as a ratio of the bytes that were changed.
import { mkdtemp, mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { closeSources, sourceProvider } from '@ledgerlift/providers';
import { startVsphere } from '@ledgerlift/testing';

const VMS = 1000;
const MIB = 1024 ** 2;
const CHANGES = 20;

export async function run(emit) {
  const folder = await mkdtemp(join(tmpdir(), 'llb-'));
  await using vsphere = await startVsphere({ vms: VMS });
  try {
    await mkdir(join(folder, 'vcenter'));
    for (const key of ['user', 'password']) await writeFile(join(folder, 'vcenter', key), vsphere.admin[key]);
    process.env.LEDGERLIFT_SECRETS_DIR = folder;
    const spec = {
      type: 'vsphere',
      name: 'vcenter',
      sites: ['local'],
      secret: { name: 'vcenter' },
      settings: {
        url: vsphere.url,
        sdkEndpoint: 'vcenter',
        caCertificate: await readFile(vsphere.caFile, 'utf8'),
        insecureSkipVerify: false,
        vddk: { transports: 'nbdssl:nbd', compression: 'none', singleLink: false },
        hosts: [],
      },
    };
    await inventory(emit, vsphere, spec);
    await changes(emit, vsphere, spec);
  } finally {
    await closeSources();
    await rm(folder, { recursive: true, force: true });
  }
}

async function inventory(emit, vsphere, spec) {
  const provider = sourceProvider('vsphere');
  await provider.check(spec);
  const plain = await timed(() => provider.inventory(spec));
  const before = memory();
  const began = performance.now();
  const ending = new AbortController();
  let inventory;
  const watching = provider.watch(
    spec,
    { changed: (now) => (inventory = now), broken: (error) => console.error(error) },
    ending.signal,
  );
  await until(() => inventory?.vms.length === VMS);
  const first = (performance.now() - began) / 1000;
  emit({
    name: 'inventory.first-sync',
    value: first,
    unit: 's',
    peer: 'read once',
    peerValue: plain,
    ratio: first / plain,
  });
  const held = (memory() - before) / MIB;
  const size = Buffer.byteLength(JSON.stringify(inventory)) / MIB;
  emit({
    name: 'inventory.memory',
    value: held,
    unit: 'MiB',
    peer: 'its JSON',
    peerValue: size,
    ratio: held / size,
  });
  const seen = [];
  for (let n = 0; n < CHANGES; n += 1) {
    const name = `renamed-${n}`;
    const at = performance.now();
    await vsphere.renameVm(`vm${n}`, name);
    await until(() => inventory.vms.some((vm) => vm.name === name));
    seen.push(performance.now() - at);
  }
  const median = seen.toSorted((a, b) => a - b)[CHANGES / 2];
  emit({
    name: 'inventory.change-seen',
    value: median,
    unit: 'ms',
    peer: 'reading all again',
    peerValue: plain * 1000,
    ratio: median / (plain * 1000),
  });
  ending.abort();
  await watching;
}

/** How much is asked to be read for what was changed. */
async function changes(emit, vsphere, spec) {
  const { snapshots, currentVm } = sourceProvider('vsphere');
  const capacityBytes = 256 * MIB;
  const { moref } = await vsphere.addVm({
    name: 'delta',
    off: true,
    changeTracking: true,
    disks: [{ capacityBytes, fill: 1 }],
  });
  const patience = { signal: AbortSignal.timeout(600_000), timeLimitMs: 120_000 };
  const vm = await currentVm(spec, moref);
  let base = await snapshots.create(spec, vm, 's0', patience);
  for (const [name, share] of [
    ['vsphere.delta.0.1%', 0.001],
    ['vsphere.delta.1%', 0.01],
    ['vsphere.delta.10%', 0.1],
  ]) {
    const written = Math.ceil((capacityBytes * share) / 65536) * 65536;
    const { disks } = await vsphere.vm('delta');
    const file = await open(disks[0].hostFile, 'r+');
    await file.write(Buffer.alloc(written, Math.floor(Math.random() * 255) + 1), 0, written, 32 * MIB);
    await file.close();
    const next = await snapshots.create(spec, vm, name, patience);
    const areas = await snapshots.changes(
      spec,
      vm,
      vm.disks[0],
      next,
      base.disks[0].changeId,
      patience.signal,
    );
    const read = areas.reduce((sum, { length }) => sum + length, 0);
    emit({
      name,
      value: read / MIB,
      unit: 'MiB',
      peer: 'changed',
      peerValue: written / MIB,
      ratio: read / written,
    });
    base = next;
  }
}

async function timed(work) {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1000;
}

async function until(condition) {
  while (!condition()) await delay(5);
}

function memory() {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}
