import { describe, expect, it } from '@jest/globals';
import { meaningOfConcern, sourceConditionTypes, sourceProviders } from './registry.js';

const providers = sourceProviders().map((provider) => [provider.type, provider] as const);
const repeated = (all: readonly string[]): readonly string[] =>
  all.filter((each, index) => all.indexOf(each) !== index);

describe('the kinds of source', () => {
  it.each(providers)(
    '%s raises for concerns and for what is unreadable only types of its own',
    (_, provider) => {
      const { conditionTypes = {}, concerns = {}, unreadable } = provider;
      const named = [...Object.values(concerns).map(({ type }) => type), unreadable];
      expect(named.filter((type) => type !== undefined && !Object.hasOwn(conditionTypes, type))).toEqual([]);
    },
  );

  it('have no types, conditions, concerns or variables in common', () => {
    for (const namesOf of [
      ({ type }) => [type],
      ({ conditionTypes = {} }) => Object.keys(conditionTypes),
      ({ concerns = {} }) => Object.keys(concerns),
      ({ requirements }) => Object.keys(requirements?.variables ?? {}),
    ] satisfies ((of: (typeof providers)[number][1]) => readonly string[])[])
      expect(repeated(providers.flatMap(([, provider]) => namesOf(provider)))).toEqual([]);
  });

  it('say what a concern means without the source that it is about, and nothing of others', () => {
    expect(meaningOfConcern('vmware.host.not_ready')).toEqual({ of: 'reading', type: 'HostNotReady' });
    expect(meaningOfConcern('of.nobody')).toEqual({});
    expect(Object.keys(sourceConditionTypes())).toContain('HostNotReady');
  });
});
