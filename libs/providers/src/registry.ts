import type { ProviderSpec } from '@ledgerlift/contracts';
import { labProvider } from './lab/provider.js';
import { ovaProvider } from './ova/provider.js';
import type { SourceProvider } from './port.js';
import { vsphereProvider } from './vsphere/provider.js';

const providers: readonly SourceProvider[] = [ovaProvider, labProvider, vsphereProvider];

/** Ends what providers keep open towards their sources, such as sessions. */
export async function closeSources(): Promise<void> {
  await Promise.all(providers.map(async (provider) => provider.close?.()));
}

/** @returns undefined for a type that is no source, such as a directory */
export const sourceProvider = (type: ProviderSpec['type']): SourceProvider | undefined =>
  providers.find((provider) => provider.type === type);
