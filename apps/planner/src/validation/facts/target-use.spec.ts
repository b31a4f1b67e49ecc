import { describe, expect, it } from '@jest/globals';
import { ProviderSpec } from '@ledgerlift/contracts';
import { type VmLive, decideVm, evolveVm } from '@ledgerlift/migration';
import { targetOf } from '@ledgerlift/targets';
import type { MigrationRun } from '../../runs/run-service.js';
import { targetLetGo } from '../../runs/spec/attempt-state.js';
import { resolvePlan } from '../resolve-plan.js';
import { factsWith, webVm } from '../spec/facts.js';
import { usersOfDisks } from './target-use.js';

const resolved = resolvePlan(factsWith([webVm], {}), 'lab', [])?.vms[0];
if (resolved === undefined) throw new Error('the plan cannot be resolved');
const record = {
  ...resolved,
  migrationId: 'm1',
  index: 0,
  disks: resolved.disks.map((disk) => ({ ...disk, name: 'a.img', adopted: true as const })),
  settings: { ...resolved.settings, type: 'conversion' as const },
};
const [planned] = decideVm(
  { kind: 'plan', record, itinerary: targetOf(record.target.type).itineraryFor(record) },
  undefined,
);
const start = planned && evolveVm(undefined, planned);
if (start === undefined) throw new Error('nothing was planned');

const letGo = targetLetGo(6);

function userOf(change: Partial<VmLive>): string | undefined {
  const vms = [{ stream: 'vm-m1-0', state: { ...start, ...change } as VmLive, progress: undefined }];
  const run = { migrationId: 'm1', vms, vm: () => vms[0] } as unknown as MigrationRun;
  const spec = ProviderSpec.parse({ type: 'directory', name: 'out', settings: { path: '/out' } });
  const target = { id: record.target.providerId, spec } as Parameters<typeof usersOfDisks>[1];
  return usersOfDisks({ migrations: () => [run] }, target, () => false).get('a.img')?.what;
}

describe('disks that a migration has adopted', () => {
  it.each([
    ['canceled', { phase: 'canceled' }],
    ['given up', { phase: 'failed', abandoned: true }],
  ] as const)('are free once it is %s, unless its target was allowed to start', (_, change) => {
    expect(userOf(change)).toBeUndefined();
    expect(userOf({ ...change, attempts: [letGo] })).toMatch(/allowed to start; roll it back, or delete/);
    expect(userOf({ ...change, attempts: [{ ...letGo, hadNoEffect: true }] })).toBeUndefined();
    expect(userOf({ ...change, attempts: [letGo], targetDeleted: true })).toBeUndefined();
  });

  it('are free once it is rolled back', () =>
    expect(userOf({ phase: 'rolled-back', attempts: [letGo] })).toBeUndefined());

  it('are its own while it runs, or may be retried', () => {
    expect(userOf({ phase: 'running' })).toMatch(/m1 has it/);
    expect(userOf({ phase: 'failed' })).toMatch(/m1 has it/);
  });
});
