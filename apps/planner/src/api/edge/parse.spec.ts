import { describe, expect, it } from '@jest/globals';
import { LedgerliftError, MappingSpec, PlanSpec, ProviderSpec } from '@ledgerlift/contracts';
import type { z } from 'zod';
import { parseInput } from './parse.js';

const plan = {
  name: 'p',
  source: 's',
  target: 't',
  networkMapping: 'n',
  storageMapping: 'm',
  vms: [{ ref: 'web' }],
};
function refusal(
  schema: z.ZodType,
  value: unknown,
): { readonly field: string | undefined; readonly message: string } {
  try {
    parseInput(schema, value, 'body');
  } catch (error) {
    if (error instanceof LedgerliftError) return { field: error.field, message: error.message };
  }
  throw new Error('it was not refused');
}

describe('an input that is not valid', () => {
  it.each([
    [
      'a field inside a list',
      PlanSpec,
      { ...plan, vms: [{ ref: 'web' }, { ref: 'db', targetName: 'No' }] },
      'vms[1].targetName',
    ],
    ['an unknown field, by its own name', PlanSpec, { ...plan, nmae: 'x' }, 'nmae'],
    [
      'an unknown field of a member of a union',
      ProviderSpec,
      { name: 'p', type: 'ova', settings: { path: '/x' }, vddk: 1 },
      'vddk',
    ],
    [
      'a field of a member of a union',
      ProviderSpec,
      { name: 'p', type: 'ova', settings: { path: 'x' } },
      'settings.path',
    ],
    ['what tells the members of a union apart', MappingSpec, { kind: 'disk' }, 'kind'],
    ['a type of provider that there is not', ProviderSpec, { name: 'p', type: 'lab', settings: {} }, 'type'],
    ['what an extension lacks', ProviderSpec, { name: 'p', type: 'x-lab' }, 'settings'],
    ['what a built-in provider lacks', ProviderSpec, { name: 'p', type: 'ova' }, 'settings'],
    [
      'a field deep in a union in a list',
      MappingSpec,
      {
        kind: 'network',
        name: 'n',
        source: 's',
        target: 't',
        pairs: [{ source: 'x', destination: { type: 'multus' } }],
      },
      'pairs[0].destination.name',
    ],
    ['the whole of it', PlanSpec, [], 'body'],
  ])('is refused naming %s', (_what, schema, value, field) => {
    expect(refusal(schema, value).field).toBe(field);
  });

  it('is refused with the value, cut where it is long', () => {
    expect(refusal(PlanSpec, { ...plan, name: 'Not OK' }).message).toContain('and this is "Not OK"');
    expect(refusal(PlanSpec, { ...plan, name: 'X'.repeat(1000) }).message.length).toBeLessThan(400);
  });

  it('is refused saying how the type of an extension begins', () => {
    expect(refusal(ProviderSpec, { name: 'p', type: 'lab', settings: {} }).message).toContain(
      'begins with x-',
    );
  });

  it('is refused without the value where that may be a secret', () => {
    const value = { name: 'p', type: 'ova', settings: { path: '/x' }, secret: { name: 'Hunter2!' } };
    expect(refusal(ProviderSpec, value).message).not.toContain('Hunter2');
  });
});

describe('an input that is valid', () => {
  it('comes with its defaults', () => {
    expect(parseInput(PlanSpec, plan, 'body')).toMatchObject({
      maxConcurrentMigrations: 3,
      verify: 'written',
    });
  });
});
