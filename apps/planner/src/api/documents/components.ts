import * as contracts from '@ledgerlift/contracts';
import { MappingSpec, PlanSpec, ProviderSpec } from '@ledgerlift/contracts';
import { z } from 'zod';

type Json = Record<string, unknown>;

/** Schemas that the documents list by name; all others are inlined where they are used. */
const named = {
  ApiErrorBody: contracts.ApiErrorBody,
  Condition: contracts.Condition,
  HistoryEntry: contracts.HistoryEntry,
  Inventory: contracts.Inventory,
  InventoryView: contracts.InventoryView,
  MappingSpec: contracts.MappingSpec,
  MappingView: contracts.MappingView,
  MigrationView: contracts.MigrationView,
  PlanSpec: contracts.PlanSpec,
  PlanValidation: contracts.PlanValidation,
  PlanView: contracts.PlanView,
  ProviderSpec: contracts.ProviderSpec,
  ProviderView: contracts.ProviderView,
  SourceVm: contracts.SourceVm,
  TreeNode: contracts.TreeNode,
  VmRecord: contracts.VmRecord,
  VmSummary: contracts.VmSummary,
  VmView: contracts.VmView,
} as const;

/**
 * The named schemas of a document, in two forms: output (every default filled in), and input (fields with a default are
 * optional), whose names end in `Input`.
 */
export class SchemaComponents {
  readonly #schemas: Json = {};

  constructor() {
    for (const io of ['output', 'input'] as const) {
      const registry = z.registry<{ id: string }>();
      for (const [name, schema] of Object.entries(named)) registry.add(schema, { id: suffixed(name, io) });
      const { schemas } = z.toJSONSchema(registry, { io, uri: componentRef, unrepresentable: 'any' });
      for (const [name, schema] of Object.entries(schemas)) this.#schemas[name] = bare(schema);
    }
  }

  all(): Json {
    return this.#schemas;
  }

  /** Returns a reference if the schema has a name, otherwise the schema itself. */
  of(schema: z.ZodType, io: 'input' | 'output'): Json {
    const registry = z.registry<{ id: string }>();
    for (const [name, known] of Object.entries(named)) {
      if (known === schema) return { $ref: componentRef(suffixed(name, io)) };
      registry.add(known, { id: suffixed(name, io) });
    }
    registry.add(schema, { id: ROOT });
    const { schemas } = z.toJSONSchema(registry, { io, uri: componentRef, unrepresentable: 'any' });
    return bare(schemas[ROOT] ?? {});
  }
}

const ROOT = '__root';
const componentRef = (id: string): string => `#/components/schemas/${id}`;
const suffixed = (name: string, io: 'input' | 'output'): string => (io === 'input' ? `${name}Input` : name);

/** `$schema` and `$id` belong to a whole document, not to a part of one. */
function bare(schema: object): Json {
  return Object.fromEntries(Object.entries(schema).filter(([key]) => key !== '$schema' && key !== '$id'));
}

/** Leaves out components that nothing refers to. */
export function usedOnly(document: Json, schemas: Json): Json {
  const used = new Set<string>();
  const visit = (text: string): void => {
    for (const [, name = ''] of text.matchAll(/"#\/components\/schemas\/(\w+)/g)) {
      if (used.has(name)) continue;
      used.add(name);
      visit(JSON.stringify(schemas[name] ?? {}));
    }
  };
  visit(JSON.stringify(document));
  return Object.fromEntries(Object.entries(schemas).filter(([name]) => used.has(name)));
}

/** The definitions that users write as YAML files and the API accepts as bodies. */
const definitions = { plan: PlanSpec, mapping: MappingSpec, provider: ProviderSpec } as const;
export type DefinitionName = keyof typeof definitions;
export const definitionNames = Object.keys(definitions) as readonly DefinitionName[];

/** The JSON schema (2020-12) of a definition file. Fields with a default are optional. */
export function definitionSchema(name: DefinitionName): Record<string, unknown> {
  return {
    $id: `https://ledgerlift.io/schemas/${name}.schema.json`,
    title: `Ledgerlift ${name}`,
    ...z.toJSONSchema(definitions[name], { io: 'input' }),
  };
}
