import { type Dirent, readdirSync } from 'node:fs';
import { lstat, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type GuestFile, NETWORK_FOLDERS } from './formats/index.js';

/** More than any guest's network has; what is beyond is not looked at. */
const MOST_FILES = 1000;
const MOST_BYTES = 256 * 1024;

/** What says whether a guest labels its files (selinux_config(5)). */
const SELINUX = '/etc/selinux/config';
const SOURCES = [...NETWORK_FOLDERS, SELINUX];

/** Commands of guestfish that copy what a Linux guest says of its network out into the working folder. */
export const copyOutScript: string = SOURCES.flatMap((path, index) => [
  `!mkdir from-${index}`,
  // What is not there is no mistake.
  `-copy-out ${path} from-${index}`,
])
  .map((line) => `${line}\n`)
  .join('');

export interface CopiedOut {
  readonly files: readonly GuestFile[];
  readonly hasSelinux: boolean;
}

/** What the commands left in the folder. Only plain files: a guest's links may lead anywhere. */
export async function copiedOut(folder: string): Promise<CopiedOut> {
  const files: GuestFile[] = [];
  for (const [index, path] of SOURCES.entries()) {
    const from = join(folder, `from-${index}`);
    for (const entry of plainFiles(from)) {
      const at = join(entry.parentPath, entry.name);
      const { size, mtimeMs } = await lstat(at);
      if (files.length >= MOST_FILES || size > MOST_BYTES) continue;
      // The folder itself is the first part below.
      const below = at
        .slice(from.length + 1)
        .split('/')
        .slice(1);
      files.push({
        path: [path, ...below].join('/'),
        text: await readFile(at, 'utf8'),
        modifiedAt: mtimeMs / 1000,
      });
    }
  }
  const selinux = files.find(({ path }) => path === SELINUX);
  return {
    files: files.filter((file) => file !== selinux),
    hasSelinux: selinux !== undefined && !/^\s*SELINUX=disabled/m.test(selinux.text),
  };
}

function plainFiles(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  } catch {
    return [];
  }
}
