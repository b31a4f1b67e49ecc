import type { ProviderSpec } from '@ledgerlift/contracts';
import { type SourceProvider, loadedProvider } from '@ledgerlift/providers';
import { isTarget } from '@ledgerlift/targets';
import { NotASource } from './errors.js';
import type { SourceAccess } from './source-access.js';

/** Reaches sources through their providers, in this process. @throws NotASource for a provider that is a target; ExtensionNotLoaded */
export const providerSourceAccess: SourceAccess = {
  check: async (spec) => provider(spec).check(spec),
  inventory: async (spec) => provider(spec).inventory(spec),
  watch: async (spec, watcher, signal) => provider(spec).watch?.(spec, watcher, signal),
  verifyDigests: async (spec, vm) => provider(spec).verifyDigests(spec, vm),
};

function provider(spec: ProviderSpec): SourceProvider {
  const found = isTarget(spec) ? undefined : loadedProvider(spec.type);
  if (found === undefined) throw new NotASource(spec.name, spec.type);
  return found;
}
