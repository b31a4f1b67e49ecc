import { readFileSync, readdirSync } from 'node:fs';
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

/** A boot sector that says something on the serial port, and waits for ever. */
function sayingSector(text: string): Buffer {
  const code = [
    ...[0xba, 0xf8, 0x03], // mov dx, 0x3f8
    ...[0xbe, 0x20, 0x7c], // mov si, 0x7c20
    ...[0xac, 0x84, 0xc0], // lodsb; test al, al
    ...[0x74, 0x03, 0xee, 0xeb, 0xf8], // jz past; out dx, al; jmp to lodsb
    ...[0xf4, 0xeb, 0xfd], // hlt; jmp to it
  ];
  const sector = Buffer.alloc(512);
  Buffer.from(code).copy(sector);
  sector.write(`${text}\r\n\0`, 0x20, 'latin1');
  sector.writeUInt16LE(0xaa55, 510);
  return sector;
}

/** Ends a worker of a pod at once: containers are processes of this machine. */
function killInPod(pod: string, service: string): void {
  const [pid] = readdirSync('/proc').filter((each) => {
    try {
      const [command, environment] = ['cmdline', 'environ'].map((file) =>
        readFileSync(`/proc/${each}/${file}`, 'utf8'),
      );
      return command?.includes(`apps/${service}/dist/`) && environment?.includes(`.${pod}\0`);
    } catch {
      return false;
    }
  });
  if (pid === undefined) throw new Error(`no ${service} runs in ${pod}`);
  process.kill(Number(pid), 'SIGKILL');
}

/** An OVA with one VM of one disk, and volumes for it. @returns the disk at the source, and the volume that it comes to */
async function prepared(
  name: string,
  bytes = 4 * MIB,
  bootSector?: Buffer,
): Promise<{ raw: Buffer; volume: NodeVolume }> {
  const { kubernetes, installation } = at;
  const raw = installation.folder.file(`${name}.raw`);
  await makeSmallDisk(raw, { size: bytes });
  if (bootSector !== undefined) {
    await using file = await open(raw, 'r+');
    await file.write(bootSector, 0, bootSector.length, 0);
  }
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
      expect(await at.listing()).toEqual({
        pods: [],
        secrets: [],
        claims: ['web-disk-0'],
        logs: [],
        vms: ['web'],
      });
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
    'keeps its log where it fails, though its pod and whoever wrote it are gone',
    async () => {
      await prepared('blank');
      const migration = await at.installation.migrate('p4', ['blank'], { ...copied, bootProof: true });
      expect((await at.installation.ended(migration, LONG)).status).toBe('failed');
      const { pods, secrets, logs } = await at.listing();
      expect({ pods, secrets, logs }).toEqual({
        pods: [],
        secrets: [],
        logs: ['vms/blank/logs/boot-proof.log'],
      });
      const { logs: claimed } = await at.installation.vm(migration);
      expect(claimed).toEqual(['vms/blank/logs/boot-proof.log']);
      const log = await at.installation.log(migration);
      expect(log).toMatch(/^# Ledgerlift boot proof: bios, /);
      expect(log).toMatch(/No bootable device/);
    },
    LONG,
  );

  it(
    'keeps what a worker had printed that was killed, and was not tried again',
    async () => {
      await prepared('killed', 4 * MIB, sayingSector('The guest says its last'));
      const retry = { maxRetries: 0, maxLost: 0, baseDelayMs: 100 };
      const migration = await at.installation.migrate('p6', ['killed'], {
        ...copied,
        bootProof: true,
        retry,
      });
      await at.installation.reached(migration, 'BootProof');
      await until('the console is in the log', async () =>
        (await at.installation.log(migration)).includes('The guest says its last'),
      );
      const [pod = ''] = (await at.listing())['pods'] ?? [];
      killInPod(pod, 'vm-creator');
      expect((await at.installation.ended(migration, LONG)).status).toBe('failed');
      expect((await at.listing())['pods']).toEqual([]);
      expect(await at.installation.log(migration)).toContain('The guest says its last');
    },
    LONG,
  );

  it(
    'can be watched while its pod works, whose workers are ready, and leaves no log where it is canceled',
    async () => {
      const before = await at.listing();
      await prepared('waits', 4 * MIB, sayingSector('The guest waits for ever'));
      const migration = await at.installation.migrate('p5', ['waits'], { ...copied, bootProof: true });
      await at.installation.reached(migration, 'BootProof');
      await until('the console is in the log', async () =>
        (await at.installation.log(migration)).includes('The guest waits for ever'),
      );
      // Nobody has kept it yet.
      expect((await at.listing())['logs']).toEqual(before['logs']);
      const [pod = ''] = (await at.listing())['pods'] ?? [];
      await until('both workers are ready', async () => {
        const { status } = await at.kubernetes.admin.call<{
          readonly status: { readonly containerStatuses: readonly { readonly ready: boolean }[] };
        }>(`${PODS}/${pod}`);
        return status.containerStatuses.length === 2 && status.containerStatuses.every(({ ready }) => ready);
      });
      await at.installation.call('plans.cancel', { params: { plan: 'p5' }, body: { reason: 'test' } });
      await at.installation.ended(migration, LONG);
      expect(await at.listing()).toEqual(before);
      expect(await at.installation.log(migration)).toBe('');
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
