import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { MappingSpec, PlanSpec, ProviderSpec, ScheduleLimits } from '@ledgerlift/contracts';
import { readDefinitions } from './definition-file.js';

const example = (name: string): string => join(import.meta.dirname, '..', '..', '..', 'examples', name);

describe('the examples', () => {
  it.each([
    ['providers.yaml', ProviderSpec, 2],
    ['mappings.yaml', MappingSpec, 2],
    ['plan.yaml', PlanSpec, 1],
    ['warm-plan.yaml', PlanSpec, 1],
    ['select-plan.yaml', PlanSpec, 1],
    ['machine-plan.yaml', PlanSpec, 1],
    ['limits.yaml', ScheduleLimits, 1],
  ])('%s is what the API takes', async (name, schema, documents) => {
    expect(await readDefinitions(example(name), schema)).toHaveLength(documents);
  });
});
