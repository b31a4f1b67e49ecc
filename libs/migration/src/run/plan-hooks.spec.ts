import { describe, expect, it } from '@jest/globals';
import { HookSpec, PlanSpec, VmSettings } from '@ledgerlift/contracts';
import { noon, noRoot, record } from '../spec/fixtures.js';
import { History } from '../spec/vm-specification.js';
import { planHookMigration, planHooksOf } from './plan-hooks.js';

const hook = (change: object = {}): HookSpec =>
  HookSpec.parse({ name: 'ticket', at: 'before', scope: 'plan', run: { kind: 'event' }, ...change });
const settings = VmSettings.parse({
  type: 'warm',
  retireSource: { tag: 'moved' },
  hooks: [hook({ name: 'its-own', scope: 'vm', at: 'failure' })],
  retry: { maxRetries: 7 },
});
const planned = (change: object = {}): History =>
  History.empty
    .after({ kind: 'plan', ...planHookMigration({ hook: hook(change), index: 2 }, { ...record, settings }) })
    .after({ kind: 'admit', at: noon });
const answered = (history: History, succeeded: 'yes' | 'no'): History =>
  history.after({
    kind: 'answer-hook',
    hook: 'ticket',
    by: 'cmdb',
    succeeded,
    said: '',
    at: noon,
    random: 0,
  });

describe('the hooks of a plan', () => {
  it('are numbered after its VMs, in order, without the hooks of single VMs', () => {
    const spec = PlanSpec.parse({
      name: 'wave',
      source: 'a',
      target: 'b',
      networkMapping: 'n',
      storageMapping: 's',
      vms: [{ ref: 'x' }, { ref: 'y' }],
      hooks: [hook({ name: 'one' }), hook({ name: 'own', scope: 'vm' }), hook({ name: 'two', at: 'after' })],
    });
    expect(planHooksOf({ spec, vmCount: 2 }).map(({ hook: { name }, index }) => [name, index])).toEqual([
      ['one', 2],
      ['two', 3],
    ]);
  });
});

describe('the migration that stands for a hook of a plan', () => {
  it('ends after one step: nothing is claimed, released, retired or powered on', () => {
    const { live, events } = answered(planned(), 'yes');
    expect(live).toMatchObject({ phase: 'succeeded', kept: [], record: { standsFor: 'plan', index: 2 } });
    expect(events.map(({ type }) => type)).toEqual([
      'VmMigrationPlanned',
      'VmMigrationAdmitted',
      'StepRequested',
      'StepStarted',
      'StepCompleted',
      'CleanupDecided',
      'VmMigrationSucceeded',
    ]);
  });

  it.each(['before', 'after', 'failure'] as const)('fails (%s) without running a failure hook', (at) => {
    const { live } = answered(planned({ at }), 'no');
    expect(live.phase).toBe('failed');
    expect(live.attempts).toHaveLength(1);
  });

  it('is retried as often as the hook says, by the rules of the plan', () => {
    const history = answered(planned({ retries: 1 }), 'no');
    expect(history.retry).toMatchObject({ attempt: 2 });
    expect(answered(history.retryDue(), 'yes').live.phase).toBe('succeeded');
  });

  it('succeeds despite its failure if the plan says so', () => {
    const { live } = answered(planned({ onFailure: 'continue' }), 'no');
    expect([live.phase, live.conditions[0]?.type]).toEqual(['succeeded', 'HookFailed']);
  });

  it('is done by a worker of the VMs if it is a command', () => {
    const history = planned({ run: { kind: 'command', command: 'open' } });
    expect(history.live.attempts).toMatchObject([{ step: 'PreHook', service: 'transfer', hook: 'ticket' }]);
    expect(history.fails('PreHook', noRoot).live.phase).toBe('failed');
  });

  it('can be retried by the operator', () => {
    const failed = answered(planned(), 'no');
    const again = failed.after({ kind: 'retry', reason: 'fixed' }).after({ kind: 'admit', at: noon });
    expect(answered(again, 'yes').live.phase).toBe('succeeded');
  });
});
