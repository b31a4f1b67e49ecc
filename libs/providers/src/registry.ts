import { type ProviderSpec, isExtension } from '@ledgerlift/contracts';
import { type ExtensionProvider, ExtensionNotLoaded, settingsOf } from './extension.js';
import { ovaProvider } from './ova/provider.js';
import type { SourceProvider } from './port.js';
import { vsphereProvider } from './vsphere/provider.js';

const builtIn: readonly SourceProvider[] = [ovaProvider, vsphereProvider];
const extensions = new Map<ProviderSpec['type'], ExtensionProvider>();

/** Has a provider from now on that is not built in; one of the same type is replaced. */
export function registerProvider(provider: ExtensionProvider): void {
  extensions.set(provider.type, provider);
}

/** Ends what providers keep open towards their sources, such as sessions. */
export async function closeSources(): Promise<void> {
  await Promise.all([...builtIn, ...extensions.values()].map(async (provider) => provider.close?.()));
}

/** @returns undefined for a type that is no source, such as a directory, and for an extension that is not there */
export const sourceProvider = (type: ProviderSpec['type']): SourceProvider | undefined =>
  extensions.get(type) ?? builtIn.find((provider) => provider.type === type);

/**
 * The same for whoever cannot go on without it.
 * @throws ExtensionNotLoaded
 */
export function loadedProvider(type: ProviderSpec['type']): SourceProvider | undefined {
  const found = sourceProvider(type);
  if (found === undefined && isExtension(type)) throw new ExtensionNotLoaded(type);
  return found;
}

/**
 * Sees that this service has the extension of a spec, and that the extension takes its settings.
 * @throws ExtensionNotLoaded, ExtensionSettingsNotValid
 */
export function assertTaken(spec: ProviderSpec): void {
  if (!isExtension(spec.type)) return;
  const extension = extensions.get(spec.type);
  if (extension === undefined) throw new ExtensionNotLoaded(spec.type);
  settingsOf(spec, extension.type, extension.settings);
}
