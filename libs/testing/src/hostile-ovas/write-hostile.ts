import { execFile } from 'node:child_process';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { writeTar } from '../ova/index.js';
import { hostileDocuments } from './hostile-documents.js';
import { hostileImages } from './hostile-images.js';
import { hostilePackages } from './hostile-packages.js';
import { honestParts, type Made, type Recipe } from './honest-parts.js';

export interface HostileOva {
  readonly name: string;
  readonly path: string;
  /** What is wrong with it. */
  readonly why: string;
  /** `refused`: reading it, or the validation of a plan, must say what is wrong. `survived`: nothing may crash. */
  readonly outcome: Recipe['outcome'];
  /** The one code that names the cause, where it has one of its own. */
  readonly code?: string;
}

/**
 * Writes each known attack on a reader of OVAs into a folder of its own below the given one, as `NAME/NAME.ova`.
 * They are the same each time.
 */
export async function writeHostileOvas(folder: string): Promise<readonly HostileOva[]> {
  const parts = await honestParts(1);
  const written: HostileOva[] = [];
  for (const { make, ...recipe } of [...hostileDocuments, ...hostilePackages, ...hostileImages]) {
    const { name } = recipe;
    const path = await place(folder, name);
    await writeMade(path, make(parts));
    written.push({ ...recipe, path });
  }
  return [...written, ...(await writeNoFiles(folder))];
}

export async function writeMade(path: string, made: Made): Promise<void> {
  if (Buffer.isBuffer(made)) await writeFile(path, made);
  else await writeTar(path, made);
}

/** What has an OVA's name and is no file. */
async function writeNoFiles(folder: string): Promise<readonly HostileOva[]> {
  const kinds = {
    'is-folder': ['a folder', (path: string) => mkdir(path)],
    'is-pipe': [
      'a pipe, on which a reader waits for ever',
      (path: string) => promisify(execFile)('mkfifo', [path]),
    ],
    'is-device': ['a link to an endless device', (path: string) => symlink('/dev/zero', path)],
    'is-loop': ['a link to itself', (path: string) => symlink(path, path)],
  } as const;
  return Promise.all(
    Object.entries(kinds).map(async ([name, [why, make]]) => {
      const path = await place(folder, name);
      await make(path);
      return { name, why: `an OVA that is ${why}`, outcome: 'refused' as const, path };
    }),
  );
}

async function place(folder: string, name: string): Promise<string> {
  await mkdir(join(folder, name));
  return join(folder, name, `${name}.ova`);
}
