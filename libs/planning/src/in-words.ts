import { types } from 'node:util';
import { type ProviderSpec, isExtension } from '@ledgerlift/contracts';

/**
 * A kind of provider as part of a sentence, with its article. The type of an extension is quoted, because users know it as a
 * name from their settings: `a source of type 'x-ovirt'`.
 */
export function kindOfProvider(type: ProviderSpec['type'], role: 'source' | 'target'): string {
  if (isExtension(type)) return `a ${role} of type '${type}'`;
  return `${/^[aeiou]/.test(type) ? 'an' : 'a'} ${type} ${role}`;
}

/** The message of an error, or the thrown value as text. */
export const reasonOf = (error: unknown): string =>
  types.isNativeError(error) ? error.message : String(error);
