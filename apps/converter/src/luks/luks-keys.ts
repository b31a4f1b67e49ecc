import type { VmRecord } from '@ledgerlift/contracts';
import { readWholeSecret } from '@ledgerlift/providers';
import { LuksKeyUnnamed } from '../errors.js';

/** Keys for a guest's encrypted disks, in the form that virt-v2v and guestfish share. */
export interface LuksKeys {
  /** Arguments without secrets: they name files. */
  readonly arguments: readonly string[];
  /** The passphrases, by file name in the tool's working directory; only we can read them. */
  readonly files: Readonly<Record<string, string>>;
}

/** The form that `blkid` and libguestfs use. */
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Reads the keys named in the VM's plan at this site (virt-v2v(1), `--key`).
 * @throws SecretMissing, LuksKeyUnnamed
 */
export async function luksKeysOf({ settings: { luks } }: Pick<VmRecord, 'settings'>): Promise<LuksKeys> {
  if (luks === undefined) return { arguments: [], files: {} };
  const { secret, clevis } = luks;
  const keys = Object.entries(secret === undefined ? {} : await readWholeSecret(secret.name));
  const unnamed = keys.filter(([name]) => !UUID.test(name.toLowerCase())).map(([name]) => name);
  if (secret !== undefined && unnamed.length > 0) throw new LuksKeyUnnamed(secret.name, unnamed);
  const named = keys.map(([name, key]) => ({
    uuid: name.toLowerCase(),
    file: `luks-${name.toLowerCase()}`,
    key,
  }));
  return {
    arguments: [
      ...named.flatMap(({ uuid, file }) => ['--key', `${uuid}:file:${file}`]),
      ...clevis.flatMap((uuid) => ['--key', `${uuid}:clevis`]),
    ],
    files: Object.fromEntries(named.map(({ file, key }) => [file, key])),
  };
}
