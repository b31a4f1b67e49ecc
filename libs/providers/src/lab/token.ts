import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProviderSpec } from '@ledgerlift/contracts';
import { LabSecretMissing } from './errors.js';

/**
 * Resolves the secret reference at this site: the file `token` in the secret's folder under LEDGERLIFT_SECRETS_DIR, as
 * Kubernetes mounts a secret.
 *
 * @returns undefined for a provider without a secret
 * @throws LabSecretMissing
 */
export async function tokenOf({ secret }: ProviderSpec): Promise<string | undefined> {
  if (secret === undefined) return undefined;
  const folder = process.env['LEDGERLIFT_SECRETS_DIR'];
  if (folder === undefined)
    throw new LabSecretMissing(secret.name, 'LEDGERLIFT_SECRETS_DIR, which is not set');
  const path = join(folder, secret.name, 'token');
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch {
    throw new LabSecretMissing(secret.name, path);
  }
}
