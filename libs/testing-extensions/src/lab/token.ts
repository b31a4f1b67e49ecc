import type { ProviderSpec } from '@ledgerlift/contracts';
import { readSecret } from '@ledgerlift/providers';

/** @returns undefined for a provider without a secret @throws SecretMissing */
export const tokenOf = async ({ secret }: ProviderSpec): Promise<string | undefined> =>
  secret === undefined ? undefined : (await readSecret(secret.name, 'token')).trim();
