import type { ProviderSpec } from '@ledgerlift/contracts';
import { type SourceProvider, sourceProvider } from '@ledgerlift/providers';
import { NotASource } from './errors.js';
import type { SourceAccess } from './source-access.js';

/** The providers of `@ledgerlift/providers`, each asked about specs of its own type. */
export const registeredSources: SourceAccess = {
  check: async (spec) => providerOf(spec).check(spec),
  inventory: async (spec) => providerOf(spec).inventory(spec),
  verifyDigests: async (spec, vm) => providerOf(spec).verifyDigests(spec, vm),
};

function providerOf(spec: ProviderSpec): SourceProvider {
  const provider = sourceProvider(spec.type);
  if (provider === undefined) throw new NotASource(spec.name, spec.type);
  return provider;
}
