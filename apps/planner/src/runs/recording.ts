import type { DomainEvent, HookSpec, VmRecord } from '@ledgerlift/contracts';
import type { VmCommand } from '@ledgerlift/migration';
import type { ResolvedPlan } from '@ledgerlift/planning';
import { targetOf } from '@ledgerlift/targets';
import { planHookCommands } from './plan-hooks.js';

type PlanCommand = Extract<VmCommand, { kind: 'plan' }>;

/**
 * What is recorded of a plan's VMs, and of its own hooks, before its run begins. Each is made when it is asked for: there
 * may be ten thousand, with an itinerary each.
 */
export function planCommands(
  migrationId: string,
  plan: ResolvedPlan,
  startedBy: string,
): readonly (() => PlanCommand)[] {
  const isAwaited = plan.spec.type === 'warm' && plan.spec.hooks.some(isAtCutover);
  const awaits = isAwaited ? { cutoverAwaits: 'plan-hooks' as const } : {};
  const ofVms = plan.vms.map((vm, index) => (): PlanCommand => {
    const record: VmRecord = { ...vm, migrationId, index, startedBy, ...awaits };
    return { kind: 'plan', record, itinerary: targetOf(record.target.type).itineraryFor(record) };
  });
  const ofHooks = planHookCommands(plan.spec, plan.vms.length, ofVms[0]?.().record);
  return [...ofVms, ...ofHooks.map((command) => () => command)];
}

/** With it, what was recorded counts. */
export function startedEvent(migrationId: string, plan: ResolvedPlan, startedBy: string): DomainEvent {
  const { planId, spec, networkMapping, storageMapping, conditions, vms } = plan;
  return {
    type: 'MigrationStarted',
    data: {
      migrationId,
      planId,
      spec,
      networkMapping,
      ...(storageMapping === undefined ? {} : { storageMapping }),
      conditions: [...conditions],
      vmCount: vms.length,
      startedBy,
    },
  };
}

const isAtCutover = ({ scope, at }: HookSpec): boolean => scope === 'plan' && at === 'cutover';
