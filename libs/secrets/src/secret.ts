import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LedgerliftError } from '@ledgerlift/contracts';

/** A named secret does not exist at this site, or lacks a key. */
export class SecretMissing extends LedgerliftError {
  readonly code = 'LL-SEC-001';
  override readonly failure = 'needs-operator';
  constructor(
    readonly secret: string,
    readonly key: string,
    readonly looked: string,
  ) {
    super(`the secret '${secret}' has no ${key} at ${looked}; put it there at this site`, {
      field: 'secret',
    });
  }
}

/**
 * Reads the file `key` in the secret's folder at this site, the layout in which Kubernetes mounts secrets. Drops one newline at
 * the end, which editors add.
 *
 * @param folder where the site keeps its secrets
 * @throws SecretMissing if the file is missing or empty
 */
export async function readSecret(
  secret: string,
  key: string,
  folder: string | undefined = process.env['LEDGERLIFT_SECRETS_DIR'],
): Promise<string> {
  if (folder === undefined) throw new SecretMissing(secret, key, 'LEDGERLIFT_SECRETS_DIR, which is not set');
  const path = join(folder, secret, key);
  const content = await readFile(path, 'utf8').catch(() => '');
  const value = content.replace(/\r?\n$/, '');
  if (value === '') throw new SecretMissing(secret, key, path);
  return value;
}

/**
 * Reads all keys of a secret. Files that begin with a dot belong to Kubernetes.
 * @throws SecretMissing if the secret is missing, or a key is empty
 */
export async function readWholeSecret(
  secret: string,
  folder: string | undefined = process.env['LEDGERLIFT_SECRETS_DIR'],
): Promise<Readonly<Record<string, string>>> {
  const names = folder === undefined ? [] : await readdir(join(folder, secret)).catch(() => []);
  const keys = names.filter((name) => !name.startsWith('.')).toSorted();
  // Throws the right error for a missing secret.
  if (keys.length === 0) await readSecret(secret, 'key', folder);
  return Object.fromEntries(
    await Promise.all(keys.map(async (key) => [key, await readSecret(secret, key, folder)] as const)),
  );
}
