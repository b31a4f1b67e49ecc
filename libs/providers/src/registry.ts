import {
  type ConditionCatalogue,
  ExtensionNotLoaded,
  type ExtensionType,
  type ProviderSpec,
  isExtension,
} from '@ledgerlift/contracts';
import type { z } from 'zod';
import type { ExtensionProvider } from './extension.js';
import { ovaProvider } from './ova/provider.js';
import type { ConcernMeaning } from './plan-facts.js';
import type { SourceProvider } from './port.js';
import type { DiskTools } from './requirements.js';
import { vsphereProvider } from './vsphere/provider.js';

const builtIn: readonly SourceProvider[] = [ovaProvider, vsphereProvider];
const extensions = new Map<ExtensionType, ExtensionProvider>();

/** Has a provider from now on that is not built in; one of the same type is replaced. */
export function registerProvider(provider: ExtensionProvider): void {
  extensions.set(provider.type, provider);
}

/** Ends what providers keep open towards their sources, such as sessions. */
export async function closeSources(): Promise<void> {
  await Promise.all(sourceProviders().map(async (provider) => provider.close?.()));
}

/** @returns undefined for a type that is no source, such as a directory, and for an extension that is not there */
export const sourceProvider = (type: ProviderSpec['type']): SourceProvider | undefined =>
  sourceProviders().find((provider) => provider.type === type);

/** Every kind of source that this service has. */
export const sourceProviders = (): readonly SourceProvider[] => [...extensions.values(), ...builtIn];

/** The conditions that kinds of source raise. */
export const sourceConditionTypes = (): ConditionCatalogue =>
  Object.assign({}, ...sourceProviders().map(({ conditionTypes }) => conditionTypes));

/** Concerns are recorded with the VM, and keep their meaning without the source. */
export const meaningOfConcern = (id: string): ConcernMeaning =>
  sourceProviders().flatMap(({ concerns }) => concerns?.[id] ?? [])[0] ?? {};

/** What a service that reads disks has in its environment, whatever they are read from. */
export const diskVariables = (): Readonly<Record<string, z.ZodType>> =>
  Object.assign({}, ...sourceProviders().map(({ requirements }) => requirements?.variables));

/** Looks for all that disks of any source are read with. @param environment with those variables */
export async function lookForDiskTools(environment: Readonly<Record<string, unknown>>): Promise<DiskTools> {
  const found = await Promise.all(
    sourceProviders().map(async ({ requirements }) => requirements?.look(environment)),
  );
  return Object.assign({}, ...found);
}

/**
 * The same as `sourceProvider` for whoever cannot go on without it.
 * @throws ExtensionNotLoaded
 */
export function loadedProvider(type: ProviderSpec['type']): SourceProvider | undefined {
  const found = sourceProvider(type);
  if (found === undefined && isExtension(type)) throw new ExtensionNotLoaded(type);
  return found;
}

/** The source of an extension that this service has. */
export const extensionProvider = (type: ExtensionType): ExtensionProvider | undefined => extensions.get(type);
