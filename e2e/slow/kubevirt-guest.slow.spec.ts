import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type NodeVolume, bootDomain, buildOva, guestImage } from '@ledgerlift/testing';
import { CLASSES, InstallationWithCluster, NAMESPACE } from '../installation/cluster.js';
import { judgeLog } from '../installation/judge.js';

const MIB = 2 ** 20;
/** virt-v2v in an emulated appliance takes minutes. */
const LONG = 900_000;

let at: InstallationWithCluster;
let volume: NodeVolume;
beforeAll(async () => {
  at = await InstallationWithCluster.start();
  const { kubernetes, installation } = at;
  const disks = [{ raw: await guestImage() }];
  const nics = [{ network: 'VM Network', model: 'VmxNet3' as const }];
  const vms = [{ name: 'guest', disks, nics, controller: 'VirtualSCSI' as const, os: 'debian12_64Guest' }];
  await buildOva({ name: 'guest', folder: installation.folder.file('ovas'), vms });
  volume = await kubernetes.blockVolume({ name: 'guest', bytes: 512 * MIB, storageClass: CLASSES.disks });
  await kubernetes.fileVolume({ name: 'scratch', bytes: 1024 * MIB, storageClass: CLASSES.scratch });
}, LONG);
afterAll(() => at[Symbol.asyncDispose](), LONG);

describe('a real Debian guest with VMware devices', () => {
  it(
    'is converted in its worker pod, and boots there on virtio from the claim',
    async () => {
      const plan = { targetNamespace: NAMESPACE, bootProof: true, verify: 'full' } as const;
      const migration = await at.installation.migrate('real', ['guest'], plan);
      await at.installation.succeeded(migration, LONG);
      const vm = await at.installation.vm(migration);
      expect(vm.bootProof).toMatchObject({ booted: true });
      expect(vm.capabilities).toMatchObject({ diskBus: 'virtio', nicModel: 'virtio' });
      expect((await judgeLog(at.installation.logFile)).findings).toBe(0);
      expect(await at.listing()).toEqual({
        pods: [],
        secrets: [],
        claims: ['guest-disk-0'],
        logs: ['vms/guest/logs/boot-proof.log', 'vms/guest/logs/virt-v2v.log'],
        vms: ['guest'],
      });
      expect(await at.installation.log(migration)).toMatch(/virt-v2v/);
    },
    LONG,
  );

  it(
    'boots to its login prompt as the domain that KubeVirt makes of its VirtualMachine',
    async () => {
      const { xml, volumes } = await at.domainOf('guest');
      const devices = Object.fromEntries(volumes.map((name) => [name, volume.device]));
      const said = await bootDomain({ xml, volumes: devices, until: /login:/, timeoutMs: LONG / 2 });
      expect(said).toMatch(/login:/);
    },
    LONG,
  );
});
