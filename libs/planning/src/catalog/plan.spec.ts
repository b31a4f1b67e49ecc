import { describe, it } from '@jest/globals';
import { type DomainEvent, PlanSpec } from '@ledgerlift/contracts';
import { specificationOf } from '../spec/decider-specification.js';
import { decidePlan, evolvePlan } from './plan.js';

const given = specificationOf(decidePlan, evolvePlan);
const written = {
  name: 'first-wave',
  source: 'files',
  target: 'out',
  networkMapping: 'nets',
  storageMapping: 'disks',
  vms: [{ ref: 'web' }],
};
const spec = PlanSpec.parse(written);
const larger = PlanSpec.parse({ ...written, vms: [{ ref: 'web' }, { ref: 'db' }] });
const created: DomainEvent = { type: 'PlanCreated', data: { planId: 'p1', spec } };
const archived: DomainEvent = { type: 'PlanArchived', data: { planId: 'p1' } };

describe('a plan', () => {
  it('is created', () =>
    given().when({ kind: 'create', id: 'p1', spec, nameOwner: undefined }).then(created));

  it('can be changed, even while it runs', () =>
    given(created)
      .when({ kind: 'update', id: 'p1', spec: larger, nameOwner: 'p1' })
      .then({ type: 'PlanUpdated', data: { planId: 'p1', spec: larger } }));

  it('cannot take the name of another plan', () =>
    given(created)
      .when({ kind: 'update', id: 'p1', spec: larger, nameOwner: 'p2' })
      .isRefused(/used by plan p2/));

  it('is archived once', () => {
    given(created).when({ kind: 'archive', id: 'p1', running: undefined }).then(archived);
    given(created, archived).when({ kind: 'archive', id: 'p1', running: undefined }).then();
  });

  it('is neither archived nor deleted while it runs', () => {
    given(created)
      .when({ kind: 'archive', id: 'p1', running: 'm1' })
      .isRefused(/migration m1 .* is running/);
    given(created)
      .when({ kind: 'delete', id: 'p1', running: 'm1' })
      .isRefused(/migration m1 .* is running/);
  });

  it('is read-only once it is archived', () => {
    given(created, archived).becomes({ archived: true });
    given(created, archived)
      .when({ kind: 'update', id: 'p1', spec: larger, nameOwner: 'p1' })
      .isRefused(/archived and read-only/);
  });

  it('is deleted, archived or not', () => {
    const deleted: DomainEvent = { type: 'PlanDeleted', data: { planId: 'p1' } };
    given(created).when({ kind: 'delete', id: 'p1', running: undefined }).then(deleted);
    given(created, archived).when({ kind: 'delete', id: 'p1', running: undefined }).then(deleted);
    given(created, deleted)
      .when({ kind: 'delete', id: 'p1', running: undefined })
      .isRefused(/no plan 'p1'/);
  });
});
