import { type ProviderSpec, isExtension } from '@ledgerlift/contracts';

/**
 * A kind of provider within a sentence, with its article. The type of an extension is a name that users know from their
 * settings, and no word: `a source of type 'x-ovirt'`.
 */
export function kindOfProvider(type: ProviderSpec['type'], role: 'source' | 'target'): string {
  if (isExtension(type)) return `a ${role} of type '${type}'`;
  return `${/^[aeiou]/.test(type) ? 'an' : 'a'} ${type} ${role}`;
}
