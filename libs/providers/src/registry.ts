import type { ProviderSpec } from '@ledgerlift/contracts';
import { labProvider } from './lab/provider.js';
import { ovaProvider } from './ova/provider.js';
import type { SourceProvider } from './port.js';

const providers: readonly SourceProvider[] = [ovaProvider, labProvider];

/** @returns undefined for a type that is no source, such as a directory */
export const sourceProvider = (type: ProviderSpec['type']): SourceProvider | undefined =>
  providers.find((provider) => provider.type === type);
