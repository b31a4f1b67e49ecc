import { MappingSpec, PlanSpec, ProviderSpec } from '@ledgerlift/contracts';
import { z } from 'zod';

/** What users write as YAML files, and the API takes as bodies. */
const definitions = { plan: PlanSpec, mapping: MappingSpec, provider: ProviderSpec } as const;
export type DefinitionName = keyof typeof definitions;
export const definitionNames = Object.keys(definitions) as readonly DefinitionName[];

/** The JSON schema (2020-12) of a definition file; a field with a default may be left out. */
export function definitionSchema(name: DefinitionName): Record<string, unknown> {
  return {
    $id: `https://ledgerlift.io/schemas/${name}.schema.json`,
    title: `Ledgerlift ${name}`,
    ...z.toJSONSchema(definitions[name], { io: 'input' }),
  };
}
