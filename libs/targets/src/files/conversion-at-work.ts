import { open, readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Resource } from '@ledgerlift/contracts';
import { z } from 'zod';
import { overlayRoom } from './room.js';
import type { ConversionAtWork, Guard, Overlay, Purpose, WorkLog } from '../workplace.js';
import { writeFileAtomic } from './atomic-file.js';
import { claimsFor } from './claims.js';
import { freeBytes, imageInfo } from './disks.js';
import { layoutOf } from './layout.js';
import { errorCode } from './safe-path.js';
import type { VmFiles } from './vm-files.js';

const stepOf = {
  migration: 'ImageConversion',
  test: 'TestConversion',
  inspection: 'PreflightInspection',
} as const;

const Marker = z.object({ conversion: z.int() });

/** A conversion in overlays beside the disks. */
export function conversionAtWork(
  files: VmFiles,
  guard: Guard,
  purpose: Purpose,
  log: WorkLog,
): ConversionAtWork {
  const { record } = files;
  const layout = layoutOf(record);
  const holder: Resource = {
    kind: 'writer-record',
    name: `${record.folder}/conversion.writer.json`,
    service: 'converter',
    lifetime: 'resume',
  };
  const marker = (): Promise<string> => files.path(layout.commitMarker);
  const overlays = async (): Promise<Overlay[]> => {
    const bases = await files.disks();
    return Promise.all(
      layout.disks.map(async ({ overlay, testOverlay }, index) => {
        const name = purpose === 'test' ? testOverlay : overlay;
        const path = await files.path(name);
        return { name, path, base: bases[index] ?? '', baseFormat: record.disks[index]?.format ?? 'raw' };
      }),
    );
  };
  return {
    claims: [...claimsFor(record)[stepOf[purpose]], holder],
    log,
    overlays,
    holder: async () => ({ resource: holder, path: await files.path(holder.name) }),
    room: async () => {
      const where = dirname(await marker());
      const images = (await overlays()).map(({ base, baseFormat }) => ({ path: base, format: baseFormat }));
      const needed = overlayRoom(await Promise.all(images.map(imageInfo)));
      return { where, freeBytes: await freeBytes(where), neededBytes: needed };
    },
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
    flush: async () => {
      const folder = await open(dirname(await marker()), 'r');
      try {
        await folder.sync();
      } finally {
        await folder.close();
      }
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
