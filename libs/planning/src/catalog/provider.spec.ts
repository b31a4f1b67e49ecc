import { describe, it } from '@jest/globals';
import { type DomainEvent, ProviderSpec } from '@ledgerlift/contracts';
import { specificationOf } from '../spec/decider-specification.js';
import { decideProvider, evolveProvider } from './provider.js';

const given = specificationOf(decideProvider, evolveProvider);
const spec = ProviderSpec.parse({ name: 'files', type: 'ova', settings: { path: '/ovas' } });
const moved = ProviderSpec.parse({ name: 'files', type: 'ova', settings: { path: '/elsewhere' } });
const renamed = ProviderSpec.parse({ name: 'other', type: 'ova', settings: { path: '/ovas' } });
const directory = ProviderSpec.parse({ name: 'files', type: 'directory', settings: { path: '/out' } });
const created: DomainEvent = { type: 'ProviderCreated', data: { providerId: 'p1', spec } };
const deleted: DomainEvent = { type: 'ProviderDeleted', data: { providerId: 'p1' } };
const alone = { nameOwner: undefined, usedBy: [], usedByName: [] };

describe('a provider', () => {
  it('is created', () =>
    given().when({ kind: 'create', id: 'p1', spec, nameOwner: undefined }).then(created));

  it('cannot be created under a taken name', () =>
    given()
      .when({ kind: 'create', id: 'p1', spec, nameOwner: 'p0' })
      .isRefused(/'files' is already used by provider p0/));

  it('is changed', () =>
    given(created)
      .when({ kind: 'update', id: 'p1', spec: moved, ...alone, nameOwner: 'p1' })
      .then({ type: 'ProviderUpdated', data: { providerId: 'p1', spec: moved } }));

  it('yields no event for a change to what it already is', () =>
    given(created)
      .when({ kind: 'update', id: 'p1', spec, ...alone, nameOwner: 'p1' })
      .then());

  it('keeps its type', () =>
    given(created)
      .when({ kind: 'update', id: 'p1', spec: directory, ...alone })
      .isRefused(/type of a provider cannot change from ova to directory/));

  it('can be renamed, but not while an entry refers to it by name', () => {
    given(created)
      .when({ kind: 'update', id: 'p1', spec: renamed, ...alone, usedBy: ['plan a'] })
      .then({ type: 'ProviderUpdated', data: { providerId: 'p1', spec: renamed } });
    given(created)
      .when({ kind: 'update', id: 'p1', spec: renamed, ...alone, usedByName: ['plan a'] })
      .isRefused(/cannot be renamed: it is used by plan a/);
  });

  it('can be deleted, but not while it is in use', () => {
    given(created).when({ kind: 'delete', id: 'p1', usedBy: [] }).then(deleted);
    given(created)
      .when({ kind: 'delete', id: 'p1', usedBy: ['mapping nets', 'plan a'] })
      .isRefused(/cannot be deleted: it is used by mapping nets, plan a/);
  });

  it('is gone once it is deleted', () => {
    given(created, deleted)
      .when({ kind: 'delete', id: 'p1', usedBy: [] })
      .isRefused(/there is no provider 'p1'/);
    given(created, deleted)
      .when({ kind: 'update', id: 'p1', spec: moved, ...alone })
      .isRefused(/there is no provider 'p1'/);
  });

  it('counts its changes', () =>
    given(created, { type: 'ProviderUpdated', data: { providerId: 'p1', spec: moved } }).becomes({
      revision: 1,
      spec: moved,
      deleted: false,
    }));
});
