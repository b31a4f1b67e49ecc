import { readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type NodeVolume, buildOva, makeSmallDisk, until } from '@ledgerlift/testing';
import { CLASSES, InstallationWithCluster, NAMESPACE } from '../installation/cluster.js';

const MIB = 2 ** 20;
const PODS = `/api/v1/namespaces/${NAMESPACE}/pods`;
const LONG = 300_000;

let at: InstallationWithCluster;
beforeAll(async () => {
  at = await InstallationWithCluster.start();
}, LONG);
afterAll(() => at[Symbol.asyncDispose](), LONG);

/** An OVA with one VM of one disk, and volumes for it. @returns the disk at the source, and the volume that it comes to */
async function prepared(name: string, bytes = 4 * MIB): Promise<{ raw: Buffer; volume: NodeVolume }> {
  const { kubernetes, installation } = at;
  const raw = installation.folder.file(`${name}.raw`);
  await makeSmallDisk(raw, { size: bytes });
  await buildOva({ name, folder: installation.folder.file('ovas'), vms: [{ name, disks: [{ raw }] }] });
  const volume = await kubernetes.blockVolume({ name, bytes: 2 * bytes, storageClass: CLASSES.disks });
  // As storage that was another's: what is not written is not zero.
  const stale = Buffer.alloc(MIB, 0xa5);
  await using file = await open(volume.device, 'r+');
  for (let offset = 0; offset < 2 * bytes; offset += MIB) await file.write(stale, 0, MIB, offset);
  await file.sync();
  await kubernetes.fileVolume({ name: `${name}-scratch`, bytes: 256 * MIB, storageClass: CLASSES.scratch });
  return { raw: readFileSync(raw), volume };
}

const copied = { targetNamespace: NAMESPACE, skipGuestConversion: true } as const;

describe('a VM that is migrated into a cluster', () => {
  it(
    'is copied by its worker pod into a claim, every byte of it, and made a VirtualMachine',
    async () => {
      const { raw, volume } = await prepared('web');
      await at.installation.succeeded(await at.installation.migrate('p1', ['web'], copied), LONG);
      const written = readFileSync(volume.path);
      expect(written.subarray(0, raw.length).equals(raw)).toBe(true);
      expect(written.subarray(raw.length).every((byte) => byte === 0)).toBe(true);
      expect(await at.listing()).toEqual({ pods: [], secrets: [], claims: ['web-disk-0'], vms: ['web'] });
      // Whoever deletes the VM from now on deletes its disk.
      expect(await at.claim('web-disk-0')).toMatchObject({
        metadata: { ownerReferences: [{ kind: 'VirtualMachine', name: 'web' }] },
      });
    },
    LONG,
  );

  it(
    'goes on in another pod where the first is deleted in the middle',
    async () => {
      const { raw, volume } = await prepared('mail', 64 * MIB);
      const limit = { bandwidthLimit: 16 * MIB };
      const migration = await at.installation.migrate('p2', ['mail'], { ...copied, ...limit });
      await at.installation.reached(migration, 'DiskTransfer');
      await until('a checkpoint', async () =>
        (await at.installation.vm(migration)).pipeline.some(
          ({ step, progress }) => step === 'DiskTransfer' && (progress[0]?.done ?? 0) > 8 * MIB,
        ),
      );
      const [first] = (await at.listing())['pods'] ?? [];
      await at.kubernetes.admin.remove(`${PODS}/${first}`);
      await at.installation.succeeded(migration, LONG);
      expect(readFileSync(volume.path).subarray(0, raw.length).equals(raw)).toBe(true);
      expect((await at.listing())['pods']).toEqual([]);
    },
    LONG,
  );

  it(
    'leaves nothing behind where it is canceled during the copy',
    async () => {
      const before = await at.listing();
      await prepared('db', 64 * MIB);
      const migration = await at.installation.migrate('p3', ['db'], { ...copied, bandwidthLimit: 4 * MIB });
      await at.installation.reached(migration, 'DiskTransfer');
      await until('a worker pod', async () => ((await at.listing())['pods'] ?? []).length > 0);
      await at.installation.call('plans.cancel', { params: { plan: 'p3' }, body: { reason: 'test' } });
      await at.installation.ended(migration, LONG);
      expect(await at.listing()).toEqual(before);
    },
    LONG,
  );
});
