import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { SourceDisk, SourceVm } from '@ledgerlift/contracts';
import type { VsphereSession } from '../session.js';
import { HttpsConnection } from '../soap/connection.js';
import { VsphereExportIncomplete } from './errors.js';
import { type DeviceUrl, type Lease, withLease } from './lease.js';

const SILENCE_MS = 120_000;

/**
 * Exports a disk of a powered-off VM into a file, as a stream-optimized VMDK. The stream cannot be resumed, so an interrupted
 * export starts over.
 *
 * @param disks all current disks of the VM
 * @throws VsphereLeaseLost, VsphereExportIncomplete, errors of the connection; the signal's reason
 */
export async function exportTo(
  session: VsphereSession,
  vm: SourceVm,
  disks: readonly SourceDisk[],
  disk: SourceDisk,
  path: string,
  signal: AbortSignal,
): Promise<void> {
  await withLease(session, vm, signal, async (lease) => {
    const device = deviceFor(lease.disks, disks, disk);
    if (device === undefined)
      throw new VsphereExportIncomplete(disk.name, 'it is not said which of its files is this disk');
    const ending = AbortSignal.any([signal, lease.lost]);
    const arrived = await download(session, lease, device, { disk, path }, ending);
    await assertSent(lease, device, disk, arrived, ending);
    await assertWhole(path, disk, arrived.size);
  });
}

const BUSES: readonly (readonly [RegExp, SourceDisk['bus']])[] = [
  [/IDE/i, 'ide'],
  [/AHCI|SATA/i, 'sata'],
  [/NVME/i, 'nvme'],
  [/./, 'scsi'],
];

/**
 * Finds the export's file of a disk by the controller and unit in the keys. If a key lacks them, goes by order, but only if the
 * disk's size is unique, because the size is later compared with the data.
 */
export function deviceFor(
  devices: readonly DeviceUrl[],
  disks: readonly SourceDisk[],
  disk: SourceDisk,
): DeviceUrl | undefined {
  if (devices.length !== disks.length) return devices.find(({ key }) => placeIn(key) === placeOf(disk));
  const named = new Map(devices.map((device) => [placeIn(device.key), device]));
  if (disks.every((each) => named.has(placeOf(each)))) return named.get(placeOf(disk));
  if (disks.some(({ id, capacityBytes }) => id !== disk.id && capacityBytes === disk.capacityBytes))
    return undefined;
  const inOrder = disks.toSorted((a, b) => Number(a.id) - Number(b.id));
  return devices[inOrder.findIndex(({ id }) => id === disk.id)];
}

const placeOf = ({ bus, controller, unit }: SourceDisk): string => `${bus}${controller}:${unit}`;

/** Reads the controller and unit from a key such as `/vm-62/ParaVirtualSCSIController0:1`. */
function placeIn(key: string): string {
  const [, controller = '', number = '', unit = ''] = /([A-Za-z]+)(\d+):(\d+)$/.exec(key) ?? [];
  const [, bus = ''] = BUSES.find(([kind]) => kind.test(controller)) ?? [];
  return `${bus}${number}:${unit}`;
}

interface Arrived {
  readonly size: number;
  readonly sha1: string;
}

async function download(
  session: VsphereSession,
  lease: Lease,
  device: DeviceUrl,
  { disk, path }: { readonly disk: SourceDisk; readonly path: string },
  signal: AbortSignal,
): Promise<Arrived> {
  // A host that serves the export itself does not know the name by which we reached it.
  const url = new URL(device.url.replace('://*', `://${session.url.host}`));
  const isOurs = url.host === session.url.host;
  const trust = device.thumbprint === '' ? session.settings : { thumbprint: device.thumbprint };
  const connection = isOurs ? session.connection : new HttpsConnection(url.host, trust);
  const called = `GET of the export of ${disk.name}`;
  const sum = createHash('sha1');
  let size = 0;
  const counted = new Transform({
    transform(bytes: Buffer, _encoding, next) {
      sum.update(bytes);
      size += bytes.length;
      lease.arrived(bytes.length);
      next(null, bytes);
    },
  });
  try {
    const headers = isOurs ? { cookie: await session.cookie(signal) } : undefined;
    const asked = {
      method: 'GET',
      url,
      called,
      headers: headers ?? {},
      signal,
      silenceMs: SILENCE_MS,
    } as const;
    const response = await connection.exchange(asked);
    if (response.statusCode !== 200) {
      response.destroy();
      throw new VsphereExportIncomplete(disk.name, `it was answered with HTTP ${response.statusCode}`);
    }
    await pipeline(response, counted, createWriteStream(path, { mode: 0o600 }), { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw connection.failureOf(called, error);
  } finally {
    if (!isOurs) connection.close();
  }
  return { size, sha1: sum.digest('hex') };
}

/** Compares the received data with the server's manifest, if there is one. */
async function assertSent(
  lease: Lease,
  { key, importKey, targetId }: DeviceUrl,
  disk: SourceDisk,
  arrived: Arrived,
  signal: AbortSignal,
): Promise<void> {
  const sent = (await lease.manifest(signal)).find((each) => [key, importKey, targetId].includes(each.key));
  if (sent === undefined || sent.sha1 === '') return;
  if (sent.sha1.toLowerCase() !== arrived.sha1 || sent.size !== arrived.size)
    throw new VsphereExportIncomplete(
      disk.name,
      `${sent.size} bytes with the SHA-1 ${sent.sha1} were sent, and ${arrived.size} with ${arrived.sha1} arrived`,
    );
}

const SECTOR = 512;
const MAGIC = 'KDMV';
/** Placeholder for the grain directory's offset, which the footer states (VMware Virtual Disk Format 5.0). */
const AT_END = 0xffff_ffff_ffff_ffffn;

/** Checks the file's footer, because a truncated stream may end normally. Makes the file durable. */
async function assertWhole(path: string, disk: SourceDisk, size: number): Promise<void> {
  const wrong = (reason: string): VsphereExportIncomplete => new VsphereExportIncomplete(disk.name, reason);
  const file = await open(path, 'r+');
  try {
    await file.sync();
    const header = Buffer.alloc(SECTOR);
    await file.read(header, 0, SECTOR, 0);
    if (header.toString('latin1', 0, MAGIC.length) !== MAGIC) throw wrong('it does not begin as a VMDK');
    const capacity = Number(header.readBigUInt64LE(12)) * SECTOR;
    if (capacity !== disk.capacityBytes)
      throw wrong(`it is of ${capacity} bytes, and the disk of ${disk.capacityBytes}`);
    if (header.readBigUInt64LE(56) !== AT_END) return;
    const footer = Buffer.alloc(MAGIC.length);
    await file.read(footer, 0, footer.length, size - 2 * SECTOR);
    if (footer.toString('latin1') !== MAGIC) throw wrong(`it breaks off after ${size} bytes`);
  } finally {
    await file.close();
  }
}
