import { type Dirent, readdirSync } from 'node:fs';
import { lstat, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type GuestFile, NETWORK_FOLDERS } from './formats/index.js';

/** More than any guest has; further files are ignored. */
const MOST_FILES = 1000;
const MOST_BYTES = 256 * 1024;

/** Shows whether a guest labels its files (selinux_config(5)). */
const SELINUX = '/etc/selinux/config';
const SOURCES = [...NETWORK_FOLDERS, SELINUX];

/** guestfish commands that copy a Linux guest's network files into the working folder. */
export const copyOutScript: string = SOURCES.flatMap((path, index) => [
  `!mkdir from-${index}`,
  // The leading - ignores missing files.
  `-copy-out ${path} from-${index}`,
])
  .map((line) => `${line}\n`)
  .join('');

export interface CopiedOut {
  readonly files: readonly GuestFile[];
  readonly hasSelinux: boolean;
}

/** Reads the copied files. Only regular files, because a guest's links may point anywhere. */
export async function copiedOut(folder: string): Promise<CopiedOut> {
  const files: GuestFile[] = [];
  for (const [index, path] of SOURCES.entries()) {
    const from = join(folder, `from-${index}`);
    for (const entry of plainFiles(from)) {
      const at = join(entry.parentPath, entry.name);
      const { size, mtimeMs } = await lstat(at);
      if (files.length >= MOST_FILES || size > MOST_BYTES) continue;
      // The first path component is the folder itself.
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

/** Files by their paths in the guest. */
export type NewFiles = Readonly<Record<string, string>>;

const NOTE =
  '# Written by Ledgerlift when the machine was migrated: its network is configured for a NIC of this name.\n';

/**
 * Files that keep the names of a Linux guest's NICs in their new slots. Both kinds are needed: systemd's `.link`
 * overrides predictable names, and an older udev knows only rules. VLANs, bonds and bridges share the MAC of their NIC
 * but must not be renamed, so match only devices on a bus.
 */
export function linkFiles(named: readonly { readonly mac: string; readonly name: string }[]): NewFiles {
  if (named.length === 0) return {};
  const links = named.map(({ mac, name }): [string, string] => [
    `/etc/systemd/network/10-ledgerlift-${name}.link`,
    `${NOTE}[Match]\nMACAddress=${mac}\nPath=*pci-*\n\n[Link]\nNamePolicy=\nName=${name}\n`,
  ]);
  const rules = named.map(
    ({ mac, name }) =>
      `SUBSYSTEM=="net", ACTION=="add", DRIVERS=="?*", ATTR{address}=="${mac}", ATTR{type}=="1", NAME="${name}"\n`,
  );
  return Object.fromEntries([...links, ['/etc/udev/rules.d/70-ledgerlift-net.rules', NOTE + rules.join('')]]);
}
