import { access, constants, readFile, rm } from 'node:fs/promises';
import type { Resource } from '@ledgerlift/contracts';
import { acquireWriter, endEarlierWriter, serveForVerification } from '@ledgerlift/disk-transfer';
import { z } from 'zod';
import { allocatedSize, diskLayoutOf, layoutOf } from './layout.js';
import { RecordMismatch } from '../errors.js';
import type {
  ConversionAtWork,
  DiskReader,
  DisksAtWork,
  DiskWriter,
  Guard,
  ImageFile,
  Objection,
  Purpose,
  WorkLog,
} from '../workplace.js';
import { errorCode, writeFileAtomic } from './paths.js';
import { claimsFor } from './claims.js';
import { diskHolder } from './disk-locks.js';
import { ensureDisk, growDisk, isBlockDevice } from './disks.js';
import { DisksHeld } from './errors.js';
import { imageHeader } from './images.js';
import { overlaysAtWork } from './overlays.js';
import type { VmFiles } from './vm-files.js';

/** Gives access to a VM's disks as local files. */
export function disksAtWork(vm: VmFiles, guard: Guard): DisksAtWork {
  const { record } = vm;
  const files = async (): Promise<ImageFile[]> => {
    const paths = await vm.disks();
    return record.disks.map(({ format }, index) => ({ path: paths[index] ?? '', format }));
  };
  const fileOf = async (diskId: string): Promise<ImageFile> => {
    const file = (await files())[record.disks.findIndex((disk) => disk.diskId === diskId)];
    if (file === undefined)
      throw new RecordMismatch(`the record of "${record.targetName}" has no disk "${diskId}"`);
    return file;
  };
  return {
    allocate: async (diskId, size) => {
      const file = await fileOf(diskId);
      await guard.stillOurs();
      return ensureDisk({ ...file, size });
    },
    objectionTo: async (diskId, size) => objectionTo(await fileOf(diskId), size),
    openForWriting: (diskId, size) => openForWriting(vm, guard, diskId, size),
    openForVerification: async (diskId) => openForVerification(await fileOf(diskId)),
    chunkManifest: (diskId) => vm.path(diskLayoutOf(record, diskId).chunks),
    unpacked: async (diskId) => {
      const name = diskLayoutOf(record, diskId).unpacked;
      const resource = { kind: 'unpacked-disk', name, service: 'transfer', lifetime: 'temporary' } as const;
      return { resource, path: await vm.path(name) };
    },
    endWriters: () => endWriters(vm, guard),
    files,
    testOverlays: () =>
      Promise.all(
        layoutOf(record).disks.map(async ({ testOverlay }): Promise<ImageFile> => ({
          path: await vm.path(testOverlay),
          format: 'qcow2',
        })),
      ),
  };
}

/** Checks the disk again: since validation it may have been removed or replaced. */
async function objectionTo({ path, format }: ImageFile, capacity: number): Promise<Objection | undefined> {
  try {
    await access(path, constants.R_OK | constants.W_OK);
  } catch (cause) {
    return { why: 'it does not exist, or is not writable', cause };
  }
  const found = await imageHeader(path);
  if (found.refusal !== undefined) return { why: found.refusal };
  const size = allocatedSize(capacity);
  if (found.format === format && found.size === size) return undefined;
  return { why: `it is ${found.format} of ${found.size} bytes, where ${format} of ${size} is expected` };
}

async function openForWriting(vm: VmFiles, guard: Guard, diskId: string, size: number): Promise<DiskWriter> {
  const { record } = vm;
  const layout = diskLayoutOf(record, diskId);
  // Adopted disks are converted in place and never written by a copy.
  const index = record.disks.findIndex((disk) => disk.diskId === diskId);
  const image = { path: (await vm.disks())[index] ?? '', format: record.disks[index]?.format ?? 'raw' };
  const recordPath = await vm.path(layout.writer);
  await guard.stillOurs();
  const assertFree = freeFor(guard);
  await endEarlierWriter(image.path, recordPath, guard.generation, assertFree);
  await guard.stillOurs();
  const grown = await growDisk({ ...image, size });
  await guard.stillOurs();
  const { server, release } = await acquireWriter(image, recordPath, guard.generation, assertFree);
  const content = (await isBlockDevice(image.path)) ? 'anything' : 'zeros';
  return { name: layout.disk, endpoint: { socket: server.socket }, size: grown, content, release };
}

async function openForVerification(image: ImageFile): Promise<DiskReader> {
  const { server, cache } = await serveForVerification(image);
  return { endpoint: { socket: server.socket }, where: image.path, cache, close: () => server.stop() };
}

/** Acts as an attempt newer than any that may write. */
async function endWriters({ record, path, disks }: VmFiles, guard: Guard): Promise<void> {
  const paths = await disks();
  for (const [index, { writer }] of layoutOf(record).disks.entries())
    await endEarlierWriter(paths[index] ?? '', await path(writer), Number.MAX_SAFE_INTEGER, freeFor(guard));
}

const freeFor =
  ({ signal }: Guard) =>
  async (path: string): Promise<void> => {
    const holder = await diskHolder(path, signal);
    if (holder !== undefined) throw new DisksHeld(path, holder);
  };

const stepOf = {
  migration: 'ImageConversion',
  test: 'TestConversion',
  inspection: 'PreflightInspection',
} as const;

const Marker = z.object({ conversion: z.int() });

/** Runs a conversion in overlays beside the disks. */
export function conversionAtWork(
  files: VmFiles,
  guard: Guard,
  purpose: Purpose,
  log: WorkLog,
): ConversionAtWork {
  const { record } = files;
  const { commitMarker } = layoutOf(record);
  const holder: Resource = {
    kind: 'writer-record',
    name: `${record.folder}/conversion.writer.json`,
    service: 'converter',
    lifetime: 'resume',
  };
  const marker = (): Promise<string> => files.path(commitMarker);
  return {
    claims: [...claimsFor(record)[stepOf[purpose]], holder],
    log,
    ...overlaysAtWork(files, guard, purpose),
    holder: async () => ({ resource: holder, path: await files.path(holder.name) }),
    committed: async () => committedConversion(await marker()),
    markCommitted: async (conversion) => {
      const path = await marker();
      const disks = record.disks.map(({ name }) => name);
      await guard.stillOurs();
      await writeFileAtomic(path, `${JSON.stringify({ conversion, disks })}\n`);
    },
    forgetCommit: async () => {
      const path = await marker();
      await guard.stillOurs();
      await rm(path, { force: true });
    },
  };
}

async function committedConversion(path: string): Promise<number | undefined> {
  try {
    return Marker.parse(JSON.parse(await readFile(path, 'utf8'))).conversion;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof z.ZodError || errorCode(error) === 'ENOENT')
      return undefined;
    throw error;
  }
}
