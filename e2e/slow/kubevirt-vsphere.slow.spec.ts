import { execFileSync } from 'node:child_process';
import { basename, dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  type NodeVolume,
  type Vsphere,
  bootDomain,
  guest,
  guestImage,
  readGuestFile,
  startVsphere,
  vddkPlugin,
} from '@ledgerlift/testing';
import { CLASSES, InstallationWithCluster, NAMESPACE } from '../installation/cluster.js';
import { judgeLog } from '../installation/judge.js';

const MIB = 2 ** 20;
/** virt-v2v in an emulated appliance takes minutes. */
const LONG = 900_000;

let vsphere: Vsphere;
let at: InstallationWithCluster;
let volume: NodeVolume;
beforeAll(async () => {
  const { user, password } = guest;
  vsphere = await startVsphere({
    vms: [
      {
        name: 'guest',
        memoryMb: 512,
        disks: [{ file: await guestImage() }],
        tools: { status: 'running' },
        guest: { memoryMb: 512, user, password },
      },
    ],
  });
  const { plugin, libdir } = vddkPlugin();
  // Workers in pods are not root. Their stand-in for VDDK reads the simulator's datastore where it lies.
  execFileSync('chmod', ['-R', 'a+rX', vsphere.dataFolder]);
  const mounts = {
    '/opt/vddk': libdir,
    '/opt/nbdkit': dirname(plugin),
    [vsphere.dataFolder]: vsphere.dataFolder,
  };
  at = await InstallationWithCluster.start({
    secrets: { vcenter: vsphere.admin },
    // Pods reach the simulator at the node's address, and so does everybody else here.
    from: async (node) => ({
      storage: 'LocalDS_0',
      source: {
        name: 'vcenter',
        type: 'vsphere',
        secret: { name: 'vcenter' },
        settings: {
          url: `https://${node.address}:${await node.publish(vsphere.port)}/sdk`,
          thumbprint: vsphere.thumbprint256,
        },
      },
      worker: {
        volumes: Object.entries(mounts).map(([mountPath, path]) => ({
          mountPath,
          volume: { hostPath: { path } },
        })),
        settings: {
          LEDGERLIFT_VDDK_DIR: '/opt/vddk',
          LEDGERLIFT_VDDK_PLUGIN: `/opt/nbdkit/${basename(plugin)}`,
          LEDGERLIFT_VDDK_READS: vsphere.dataFolder,
        },
      },
    }),
  });
  const { kubernetes } = at;
  volume = await kubernetes.blockVolume({ name: 'guest', bytes: 512 * MIB, storageClass: CLASSES.disks });
  await kubernetes.fileVolume({ name: 'scratch', bytes: 1024 * MIB, storageClass: CLASSES.scratch });
}, LONG);
afterAll(async () => {
  await at[Symbol.asyncDispose]();
  await vsphere.stop();
}, LONG);

describe('a real Debian guest that runs in vSphere', () => {
  it(
    'is migrated warm by its worker pod, which reads it by VDDK, and converted there',
    async () => {
      const { installation } = at;
      const migration = await installation.migrate('warm', ['guest'], {
        source: 'vcenter',
        type: 'warm',
        targetNamespace: NAMESPACE,
        verify: 'full',
        warm: { precopyIntervalMs: 3000, enableChangeTracking: true },
      });
      await installation.until(migration, ({ warm }) => (warm?.round ?? 0) >= 2, LONG);
      await vsphere.tellGuest('guest', 'echo the last word > /root/last; sync');
      await installation.cutover(migration);
      await installation.succeeded(migration, LONG);
      expect((await installation.vm(migration)).capabilities).toMatchObject({
        diskBus: 'virtio',
        nicModel: 'virtio',
      });
      expect(readGuestFile(volume.path, '/root/last').trim()).toBe('the last word');
      expect(await vsphere.vm('guest')).toMatchObject({ power: 'poweredOff', snapshots: [] });
      expect((await judgeLog(installation.logFile)).findings).toBe(0);
      expect(await at.listing()).toEqual({ pods: [], secrets: [], claims: ['guest-disk-0'], vms: ['guest'] });
    },
    LONG,
  );

  it(
    'boots to its login prompt as the domain that KubeVirt makes of its VirtualMachine',
    async () => {
      const { xml, volumes } = await at.domainOf('guest');
      const devices = Object.fromEntries(volumes.map((name) => [name, volume.device]));
      expect(await bootDomain({ xml, volumes: devices, until: /login:/, timeoutMs: LONG / 2 })).toMatch(
        /login:/,
      );
    },
    LONG,
  );
});
