import { expect, it } from '@jest/globals';
import type { ProviderSpec } from '@ledgerlift/contracts';
import { factsWith } from '../spec/facts.js';
import { checkProviders } from './providers.js';

it("an extension's source as a target is named by its type", () => {
  const spec: ProviderSpec = { name: 'toys', type: 'x-toys', sites: ['local'], settings: {} };
  const good = factsWith([]);
  const found = checkProviders({ ...good, target: good.target && { ...good.target, spec } });
  expect(found.find(({ reason }) => reason === 'NotATarget')?.message).toMatch(
    /^'toys' is a source of type 'x-toys'/,
  );
});
