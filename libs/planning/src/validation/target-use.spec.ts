import { describe, expect, it } from '@jest/globals';
import { type DomainEvent, ProviderSpec } from '@ledgerlift/contracts';
import { decideVm, evolveVm, type VmLive } from '@ledgerlift/migration';
import { targetOf } from '@ledgerlift/targets';
import { targetLetGo } from '../spec/attempt-state.js';
import { type VmAsNeeded, vmInPhase } from '../spec/vm-in-phase.js';
import type { SiteWorkers } from './plan-facts.js';
import { resolvePlan } from './resolve-plan.js';
import { factsWith, webVm } from './spec/facts.js';
import { readingInPods, usersOfDisks } from './target-use.js';

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
const start = started();

function started(): VmLive {
  const state = planned && evolveVm(undefined, planned);
  if (state === undefined) throw new Error('nothing was planned');
  return state;
}

const letGo = targetLetGo(6);
const abandoned: DomainEvent = { type: 'VmMigrationAbandoned', data: { reason: '' } };
const targetDeleted: DomainEvent = { type: 'CleanupRequested', data: { reason: '', what: 'target' } };

function userOf(change: VmAsNeeded): string | undefined {
  const vms = [{ stream: 'vm-m1-0', state: vmInPhase(start, change), progress: undefined }];
  const run = { migrationId: 'm1', vms, vm: () => vms[0], completedAt: undefined };
  const spec = ProviderSpec.parse({ type: 'directory', name: 'out', settings: { path: '/out' } });
  const target = { id: record.target.providerId, spec } as Parameters<typeof usersOfDisks>[1];
  return usersOfDisks({ migrations: () => [run] }, target, () => false).get('a.img')?.what;
}

describe('disks that a migration has adopted', () => {
  it.each([
    ['canceled', { phase: 'canceled', afterwards: [] }],
    ['given up', { phase: 'failed', afterwards: [abandoned] }],
  ] as const)('are free once it is %s, unless its target was allowed to start', (_, change) => {
    expect(userOf(change)).toBeUndefined();
    expect(userOf({ ...change, attempts: [letGo] })).toMatch(/allowed to start; roll it back, or delete/);
    expect(userOf({ ...change, attempts: [{ ...letGo, hadNoEffect: true }] })).toBeUndefined();
    expect(
      userOf({ ...change, attempts: [letGo], afterwards: [...change.afterwards, targetDeleted] }),
    ).toBeUndefined();
  });

  it('are free after a rollback', () =>
    expect(userOf({ phase: 'rolled-back', attempts: [letGo] })).toBeUndefined());

  it('stay in use while it runs or may be retried', () => {
    expect(userOf({ phase: 'running' })).toMatch(/m1 uses it/);
    expect(userOf({ phase: 'failed' })).toMatch(/m1 uses it/);
  });
});

const cluster = (settings: Readonly<Record<string, string>>): ProviderSpec =>
  ProviderSpec.parse({
    name: 'cluster',
    type: 'kubevirt',
    settings: {
      namespaces: ['vms'],
      worker: { image: 'x', natsUrl: 'nats://nats.example.com', scratchStorageClass: 'fast', settings },
    },
  });
const folder = ProviderSpec.parse({ name: 'out', type: 'directory', settings: { path: '/out' } });
const atSite: SiteWorkers = {
  connected: ['transfer'],
  conversionProblems: undefined,
  transferTools: {
    vddk: { oldest: { path: '/opt/at-site', version: '8.0.3' }, problems: [] },
    hooks: { oldest: undefined, problems: ['none'] },
  },
};

describe('the tools that read disks', () => {
  it("are those of the site's workers, if they read the disks", () => {
    expect(readingInPods(atSite, folder)).toBe(atSite);
    expect(readingInPods(atSite, undefined)).toBe(atSite);
  });

  it('are those in the settings of worker pods, if these read the disks; hooks stay where they run', () => {
    const { transferTools, ...rest } = readingInPods(atSite, cluster({ LEDGERLIFT_VDDK_DIR: '/opt/vddk' }));
    expect(rest).toEqual({ connected: ['transfer'], conversionProblems: undefined });
    expect(transferTools).toEqual({
      vddk: { oldest: { path: '/opt/vddk', version: '' }, problems: [] },
      hooks: { oldest: undefined, problems: ['none'] },
    });
  });

  it('are missing in pods without the setting, whatever the site has', () => {
    expect(readingInPods(atSite, cluster({})).transferTools).toMatchObject({
      vddk: {
        oldest: undefined,
        problems: [
          "worker pods of 'cluster': LEDGERLIFT_VDDK_DIR is not set to the folder of an unpacked VDDK",
        ],
      },
    });
  });

  it('are missing if a setting is invalid', () => {
    expect(readingInPods(atSite, cluster({ LEDGERLIFT_VDDK_DIR: 'opt' })).transferTools).toMatchObject({
      vddk: { oldest: undefined, problems: [expect.stringContaining("LEDGERLIFT_VDDK_DIR is 'opt'")] },
    });
  });
});
