import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { MARKER } from './marker.js';
import { errorCode } from '../files/safe-path.js';

/** Beside a disk file that another tool brought: what it is. */
export const LABELS_SUFFIX = '.labels.json';
const Labels = z.record(z.string(), z.string());

export interface LabelledFile {
  /** Path of the disk file, relative to the target's root. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface LabelledFiles {
  readonly files: readonly LabelledFile[];
  /** Files with labels that cannot be understood. */
  readonly unreadable: readonly string[];
}

/** Deeper, or larger, is nothing that somebody wrote by hand or by a tool of this kind. */
const DEEPEST = 16;
const LARGEST = 65_536;

/**
 * All files below a target's root that have labels. Folders of migrated VMs are passed over, and so are symbolic links.
 * Nothing where the root cannot be read: that is told elsewhere.
 */
export async function labelledFiles(root: string): Promise<LabelledFiles> {
  const files: LabelledFile[] = [];
  const unreadable: string[] = [];
  const look = async (folder: string, depth: number): Promise<void> => {
    const entries = await readdir(join(root, folder), { withFileTypes: true }).catch((error: unknown) => {
      if (errorCode(error) === '') throw error;
      return [];
    });
    if (entries.some(({ name }) => name === MARKER)) return;
    for (const entry of entries.toSorted((one, other) => (one.name < other.name ? -1 : 1))) {
      const name = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory() && depth < DEEPEST) await look(name, depth + 1);
      if (!entry.isFile() || !name.endsWith(LABELS_SUFFIX)) continue;
      const labels = await readLabels(join(root, name));
      if (labels === undefined) unreadable.push(name);
      else files.push({ name: name.slice(0, -LABELS_SUFFIX.length), labels });
    }
  };
  await look('', 0);
  return { files, unreadable };
}

async function readLabels(path: string): Promise<Readonly<Record<string, string>> | undefined> {
  try {
    if ((await stat(path)).size > LARGEST) return undefined;
    return Labels.safeParse(JSON.parse(await readFile(path, 'utf8'))).data;
  } catch (error) {
    if (error instanceof SyntaxError || errorCode(error) !== '') return undefined;
    throw error;
  }
}
