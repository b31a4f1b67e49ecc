// A real guest in an OVA, migrated cold.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { buildOva, guestImage } from '@ledgerlift/testing';
import { demo, say, tellResult } from './session.mjs';

const definitions = (folder, isRaw) => ({
  'providers.yaml': `name: files
type: ova
settings:
  path: ${join(folder, 'ovas')}
---
name: out
type: directory
settings:
  path: ${join(folder, 'out')}
  diskFormat: qcow2
`,
  'mappings.yaml': `kind: network
name: networks
source: files
target: out
pairs:
  - source: VM Network
    destination: { type: pod }
---
kind: storage
name: storages
source: files
target: out
pairs:
  - source: ova
    destination: { storageClass: default }
`,
  'plan.yaml': `name: demo
source: files
target: out
networkMapping: networks
storageMapping: storages
verify: full
bootProof: true
${isRaw ? 'skipGuestConversion: true\nuseCompatibilityMode: false\n' : ''}vms:
  - ref: demo-guest
`,
});

/** @param isRaw without conversion: then the guest must not boot */
export const ovaDemo = (isRaw) =>
  demo(async (session) => {
    const { folder, start, define, ask, must } = session;
    const ovas = join(folder, 'ovas');
    await mkdir(ovas);
    say(
      'building a bootable Debian guest with VMware devices (kept in the cache; the first time takes a minute)',
    );
    const image = await guestImage();
    say('packing it as a VMware-style OVA');
    const vm = {
      name: 'demo-guest',
      disks: [{ raw: image }],
      controller: 'VirtualSCSI',
      nics: [{ network: 'VM Network', model: 'VmxNet3' }],
      os: 'debian12_64Guest',
    };
    await buildOva({ name: 'demo-guest', folder: ovas, vms: [vm] });
    const files = {};
    for (const [name, content] of Object.entries(definitions(folder, isRaw)))
      files[name] = await define(name, content);
    await start();
    await must('provider', 'create', '-f', files['providers.yaml']);
    await must('inventory', 'files');
    await must('mapping', 'create', '-f', files['mappings.yaml']);
    await must('plan', 'create', '-f', files['plan.yaml']);
    await must('plan', 'validate', 'demo');
    const { code } = await ask('start', 'demo', '--watch');
    const [migration] = JSON.parse(await must('--json', 'status'));
    await tellResult(session, migration.id, 'demo-guest');
    if (isRaw) {
      say(
        code === 0
          ? 'FAILED: the guest booted without conversion, which it should not'
          : 'as it must be: without conversion the guest does not boot on virtio',
      );
      return code !== 0;
    }
    say(code === 0 ? 'the guest was migrated, and boots on virtio' : 'FAILED: see above');
    return code === 0;
  });
