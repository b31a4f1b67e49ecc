import type { ProviderSpec } from '@ledgerlift/contracts';
import { ovaProvider } from './ova/provider.js';
import type { SourceProvider } from './port.js';

const providers: readonly SourceProvider[] = [ovaProvider];

/** @returns undefined for a type that is no source, such as a directory */
export const sourceProvider = (type: ProviderSpec['type']): SourceProvider | undefined =>
  providers.find((provider) => provider.type === type);
