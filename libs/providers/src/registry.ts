import {
  type ConditionCatalogue,
  ExtensionNotLoaded,
  type ExtensionType,
  isExtension,
  type ProviderSpec,
} from '@ledgerlift/contracts';
import type { z } from 'zod';
import { ovaProvider } from './ova/provider.js';
import type { ConcernMeaning, ToolsAtSite } from './plan-facts.js';
import type { SourceProvider } from './port.js';
import type { DiskTools } from './requirements.js';
import { vsphereProvider } from './vsphere/provider.js';

/** A source from outside this product. A service loads it if LEDGERLIFT_EXTENSIONS names its module. */
export interface ExtensionProvider extends SourceProvider {
  readonly type: ExtensionType;
  /** Strict schema of its part of the provider spec; its issues are shown to the user who creates or changes a provider. */
  readonly settings: z.ZodType;
}

const builtIn: readonly SourceProvider[] = [ovaProvider, vsphereProvider];
const extensions = new Map<ExtensionType, ExtensionProvider>();

/** Adds an extension's provider, replacing any of the same type. */
export function registerProvider(provider: ExtensionProvider): void {
  extensions.set(provider.type, provider);
}

/** Closes the sessions of all sources. Call it when the process ends. */
export async function closeSources(): Promise<void> {
  await Promise.all(sourceProviders().map(async (provider) => provider.close?.()));
}

/** @returns undefined for a type that is not a source, such as a directory, and for an extension that is not loaded */
export const sourceProvider = (type: ProviderSpec['type']): SourceProvider | undefined =>
  sourceProviders().find((provider) => provider.type === type);

/** Lists the kinds of sources that this service has loaded. */
export const sourceProviders = (): readonly SourceProvider[] => [...extensions.values(), ...builtIn];

/** Returns every condition type that sources raise. */
export const sourceConditionTypes = (): ConditionCatalogue =>
  Object.assign({}, ...sourceProviders().map(({ conditionTypes }) => conditionTypes));

/** Finds a concern's meaning by its id alone, because concerns are recorded with the VM and outlive its source. */
export const meaningOfConcern = (id: string): ConcernMeaning =>
  sourceProviders().flatMap(({ concerns }) => concerns?.[id] ?? [])[0] ?? {};

/** Returns the environment variables of a service that reads disks, for all kinds of sources. */
export const diskVariables = (): Readonly<Record<string, z.ZodType>> =>
  Object.assign({}, ...sourceProviders().map(({ requirements }) => requirements?.variables));

/** Finds the tools that read the disks of any source. @param environment with those variables */
export async function lookForDiskTools(environment: Readonly<Record<string, unknown>>): Promise<DiskTools> {
  const found = await Promise.all(
    sourceProviders().map(async ({ requirements }) => requirements?.look(environment)),
  );
  return Object.assign({}, ...found);
}

/** Predicts the tools of a machine that does not exist yet. @param environment that it will have */
export const expectedDiskTools = (environment: Readonly<Record<string, unknown>>): ToolsAtSite =>
  Object.assign({}, ...sourceProviders().map(({ requirements }) => requirements?.expected?.(environment)));

/**
 * Like `sourceProvider`, for callers that cannot continue without an extension.
 * @throws ExtensionNotLoaded
 */
export function loadedProvider(type: ProviderSpec['type']): SourceProvider | undefined {
  const found = sourceProvider(type);
  if (found === undefined && isExtension(type)) throw new ExtensionNotLoaded(type);
  return found;
}

/** Returns an extension's provider; undefined if this service has not loaded it. */
export const extensionProvider = (type: ExtensionType): ExtensionProvider | undefined => extensions.get(type);
