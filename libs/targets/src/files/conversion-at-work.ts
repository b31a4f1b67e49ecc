import { readFile, rm } from 'node:fs/promises';
import type { Resource } from '@ledgerlift/contracts';
import { z } from 'zod';
import type { ConversionAtWork, Guard, Purpose, WorkLog } from '../workplace.js';
import { writeFileAtomic } from './atomic-file.js';
import { claimsFor } from './claims.js';
import { layoutOf } from './layout.js';
import { overlaysAtWork } from './overlays.js';
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
