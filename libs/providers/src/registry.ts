import type { ConditionCatalogue, ProviderSpec } from '@ledgerlift/contracts';
import type { z } from 'zod';
import { labProvider } from './lab/provider.js';
import { ovaProvider } from './ova/provider.js';
import type { ConcernMeaning } from './plan-facts.js';
import type { SourceProvider } from './port.js';
import type { DiskTools } from './requirements.js';
import { vsphereProvider } from './vsphere/provider.js';

const providers: readonly SourceProvider[] = [ovaProvider, labProvider, vsphereProvider];

/** Ends what providers keep open towards their sources, such as sessions. */
export async function closeSources(): Promise<void> {
  await Promise.all(providers.map(async (provider) => provider.close?.()));
}

/** @returns undefined for a type that is no source, such as a directory */
export const sourceProvider = (type: ProviderSpec['type']): SourceProvider | undefined =>
  providers.find((provider) => provider.type === type);

/** Every kind of source. */
export const sourceProviders = (): readonly SourceProvider[] => providers;

/** The conditions that kinds of source raise. */
export const sourceConditionTypes = (): ConditionCatalogue =>
  Object.assign({}, ...providers.map(({ conditionTypes }) => conditionTypes));

/** Concerns are recorded with the VM, and keep their meaning without the source. */
export const meaningOfConcern = (id: string): ConcernMeaning =>
  providers.flatMap(({ concerns }) => concerns?.[id] ?? [])[0] ?? {};

/** What a service that reads disks has in its environment, whatever they are read from. */
export const diskVariables = (): Readonly<Record<string, z.ZodType>> =>
  Object.assign({}, ...providers.map(({ requirements }) => requirements?.variables));

/** Looks for all that disks of any source are read with. @param environment with those variables */
export async function lookForDiskTools(environment: Readonly<Record<string, unknown>>): Promise<DiskTools> {
  const found = await Promise.all(providers.map(async ({ requirements }) => requirements?.look(environment)));
  return Object.assign({}, ...found);
}
