// A real guest that runs in a simulated vSphere, migrated warm while it goes on writing.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { auditVerify, openLogForReading } from '@ledgerlift/event-log';
import { guest, guestImage, readGuestFile, startVsphere, vddkPlugin } from '@ledgerlift/testing';
import { allHold, demo, say, tellResult } from './session.mjs';

const VM = 'demo-guest';
/** A full one, and three of what changed since; the last one comes with the cutover. */
const PASSES = 4;

const definitions = (folder, { url, thumbprint256 }) => ({
  'providers.yaml': `name: vcenter
type: vsphere
secret: { name: vcenter }
settings:
  url: ${url}
  thumbprint: ${thumbprint256}
---
name: out
type: directory
settings:
  path: ${join(folder, 'out')}
  diskFormat: raw
`,
  'mappings.yaml': `kind: network
name: networks
source: vcenter
target: out
pairs:
  - source: VM Network
    destination: { type: pod }
---
kind: storage
name: storages
source: vcenter
target: out
pairs:
  - source: LocalDS_0
    destination: { storageClass: default }
`,
  'plan.yaml': `name: demo
type: warm
source: vcenter
target: out
networkMapping: networks
storageMapping: storages
verify: full
bootProof: true
warm:
  precopyIntervalMs: 3000
  enableChangeTracking: true
vms:
  - ref: ${VM}
`,
});

export const vsphereDemo = () =>
  demo(async (session) => {
    const { folder, start, define, must } = session;
    say(
      'building a bootable Debian guest with VMware devices (kept in the cache; the first time takes a minute)',
    );
    const file = await guestImage();
    say('starting a simulated vCenter, and the guest in it (15 to 30 seconds)');
    const { user, password } = guest;
    const vms = [
      {
        name: VM,
        memoryMb: 512,
        disks: [{ file }],
        tools: { status: 'running' },
        guest: { memoryMb: 512, user, password },
      },
    ];
    await using vsphere = await startVsphere({ vms });
    const write = (what) => vsphere.tellGuest(VM, `echo ${what} > /root/demo; sync`);
    await write('before it began');
    const secret = join(folder, 'secrets', 'vcenter');
    await mkdir(secret, { recursive: true });
    for (const key of ['user', 'password'])
      await writeFile(join(secret, key), vsphere.admin[key], { mode: 0o600 });
    const { plugin, libdir } = vddkPlugin();
    const files = {};
    for (const [name, content] of Object.entries(definitions(folder, vsphere)))
      files[name] = await define(name, content);
    await start({
      LEDGERLIFT_SECRETS_DIR: join(folder, 'secrets'),
      LEDGERLIFT_VDDK_DIR: libdir,
      LEDGERLIFT_VDDK_PLUGIN: plugin,
      // The stand-in for VDDK reads the simulator's datastore where it lies, and in its sandbox sees no other files.
      LEDGERLIFT_VDDK_READS: vsphere.dataFolder,
    });
    await must('provider', 'create', '-f', files['providers.yaml']);
    await must('look', 'tree', 'vcenter', '--by', 'host', '--depth', '4');
    await must('mapping', 'create', '-f', files['mappings.yaml']);
    await must('plan', 'create', '-f', files['plan.yaml']);
    await must('plan', 'validate', 'demo');
    await must('start', 'demo');
    const [{ id: migration }] = JSON.parse(await must('--json', 'status'));
    const passes = async () =>
      (await vsphere.journal()).filter(({ effect }) => effect === 'snapshot-created').length;
    for (let seen = 0, looks = 0; seen < PASSES;) {
      await delay(500);
      const now = await passes();
      looks += 1;
      // Every twenty seconds: a VM that has failed makes no pass any more.
      if (looks % 40 === 0 && /\b(failed|held|canceled)\b/.test(await must('status', migration)))
        return false;
      if (now === seen) continue;
      seen = now;
      say(`snapshot ${now} was made: the guest writes on while it is read`);
      await write(`while pass ${now} was made`);
      await must('status', migration);
    }
    await write('the last word');
    say("the guest wrote 'the last word'; now the cutover");
    await must('cutover', 'demo');
    await must('status', migration, '--watch');
    await tellResult(session, migration, VM);
    const vm = JSON.parse(await must('--json', 'status', `${migration}/0`));
    const last = readGuestFile(join(folder, 'out', 'default', VM, `${VM}-disk-0.raw`), '/root/demo').trim();
    const source = await vsphere.vm(VM);
    const log = await openLogForReading(join(folder, 'data', 'events.db'));
    const { findings } = await auditVerify(log);
    await log.close();
    return allHold({
      'the migration succeeded': vm.state === 'succeeded',
      'the target booted, with a virtio disk and a virtio NIC':
        vm.bootProof?.booted === true &&
        vm.capabilities?.diskBus === 'virtio' &&
        vm.capabilities?.nicModel === 'virtio',
      "the target's /root/demo holds the last write": last === 'the last word',
      'the source is off and has no snapshot': source.power === 'poweredOff' && source.snapshots.length === 0,
      'the hash chains of the event log hold': findings.length === 0,
    });
  });
