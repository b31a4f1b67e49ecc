import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LedgerliftError } from '@ledgerlift/contracts';

/** A secret that is named is not at this site, or lacks what is needed of it. */
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
 * Resolves a secret reference at this site: the file `key` in the secret's folder, as Kubernetes mounts a secret. One
 * newline at its end is an editor's, and no part of it.
 *
 * @param folder where the site keeps its secrets
 * @throws SecretMissing where there is none, or it is empty
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
 * All of a secret, by its keys. What begins with a dot is Kubernetes' own.
 * @throws SecretMissing where there is none, or a key is empty
 */
export async function readWholeSecret(
  secret: string,
  folder: string | undefined = process.env['LEDGERLIFT_SECRETS_DIR'],
): Promise<Readonly<Record<string, string>>> {
  const names = folder === undefined ? [] : await readdir(join(folder, secret)).catch(() => []);
  const keys = names.filter((name) => !name.startsWith('.')).toSorted();
  // Says what is wrong where there is nothing.
  if (keys.length === 0) await readSecret(secret, 'key', folder);
  return Object.fromEntries(
    await Promise.all(keys.map(async (key) => [key, await readSecret(secret, key, folder)] as const)),
  );
}
