import { describe, it } from '@jest/globals';
import { type DomainEvent, MappingSpec } from '@ledgerlift/contracts';
import { specificationOf } from '../spec/decider-specification.js';
import { decideMapping, evolveMapping } from './mapping.js';

const given = specificationOf(decideMapping, evolveMapping);
const ends = { name: 'map', source: 'files', target: 'out', pairs: [] };
const spec = MappingSpec.parse({ kind: 'network', ...ends });
const paired = MappingSpec.parse({
  kind: 'network',
  ...ends,
  pairs: [{ source: 'VM Network', destination: { type: 'pod' } }],
});
const storage = MappingSpec.parse({ kind: 'storage', ...ends });
const created: DomainEvent = { type: 'MappingCreated', data: { mappingId: 'm1', spec } };
const alone = { nameOwner: undefined, usedBy: [], usedByName: [] };

describe('a mapping', () => {
  it('is created', () =>
    given().when({ kind: 'create', id: 'm1', spec, nameOwner: undefined }).then(created));

  it('cannot be created under a taken name', () =>
    given()
      .when({ kind: 'create', id: 'm1', spec, nameOwner: 'm0' })
      .isRefused(/is already used by mapping m0/));

  it('can be changed while plans use it', () =>
    given(created)
      .when({ kind: 'update', id: 'm1', spec: paired, ...alone, usedBy: ['plan a'], usedByName: ['plan a'] })
      .then({ type: 'MappingUpdated', data: { mappingId: 'm1', spec: paired } }));

  it('keeps its kind', () =>
    given(created)
      .when({ kind: 'update', id: 'm1', spec: storage, ...alone })
      .isRefused(/kind of a mapping cannot change from network to storage/));

  it('can be deleted, but not while a plan uses it', () => {
    given(created)
      .when({ kind: 'delete', id: 'm1', usedBy: [] })
      .then({ type: 'MappingDeleted', data: { mappingId: 'm1' } });
    given(created)
      .when({ kind: 'delete', id: 'm1', usedBy: ['plan a'] })
      .isRefused(/used by plan a/);
  });
});
