import type { DomainEvent, HookSpec, VmRecord } from '@ledgerlift/contracts';
import type { VmCommand } from '@ledgerlift/migration';
import type { ResolvedPlan } from '@ledgerlift/planning';
import { targetOf } from '@ledgerlift/targets';
import { planHookCommands } from './plan-hooks.js';

type PlanCommand = Extract<VmCommand, { kind: 'plan' }>;

/**
 * Commands that record a plan's VMs and its own hooks before its run begins. VM commands are built on demand: there may be ten
 * thousand, each with an itinerary.
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

/** The recorded VMs and hooks count only once this event is in the log. */
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
