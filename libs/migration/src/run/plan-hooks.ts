import {
  type EventOf,
  type HookSpec,
  type ItineraryStep,
  type VmRecord,
  VmSettings,
} from '@ledgerlift/contracts';

/** A hook of a whole plan. Its index, by which users steer it, follows those of the plan's VMs. */
export interface PlanHook {
  readonly hook: HookSpec;
  readonly index: number;
}

type Started = EventOf<'MigrationStarted'>['data'];

/** The hooks that a run calls once rather than for each VM, in the plan's order. */
export const planHooksOf = ({ spec, vmCount }: Pick<Started, 'spec' | 'vmCount'>): readonly PlanHook[] =>
  spec.hooks.filter(({ scope }) => scope === 'plan').map((hook, place) => ({ hook, index: vmCount + place }));

const steps = { before: 'PreHook', cutover: 'CutoverHook', after: 'PostHook', failure: 'PostHook' } as const;
const phases = {
  before: 'preparation',
  cutover: 'cutover',
  after: 'cutover',
  failure: 'cutover',
} as const;

/**
 * Represents a plan's hook as the migration of a VM with one step, so that it is claimed, leased, retried, answered and
 * audited like any other step.
 *
 * @param vm a VM of the run: gives the site and the retry rules
 */
export function planHookMigration(
  { hook, index }: PlanHook,
  vm: VmRecord,
): { readonly record: VmRecord; readonly itinerary: readonly ItineraryStep[] } {
  const { type, retry, timeLimits } = vm.settings;
  const { planId: id, planName: name } = vm;
  const record: VmRecord = {
    ...vm,
    index,
    standsFor: 'plan',
    source: {
      ...vm.source,
      vm: { ...vm.source.vm, id, name, path: '', disks: [], nics: [], concerns: [] },
    },
    folder: '',
    nics: [],
    disks: [],
    labels: {},
    powerState: 'off',
    // Only the hook itself: a plan has no source to retire or power on.
    settings: VmSettings.parse({ type, retry, timeLimits, hooks: [hook] }),
  };
  const step: ItineraryStep = {
    step: steps[hook.at],
    phase: phases[hook.at],
    service: hook.run.kind === 'event' ? 'external' : 'transfer',
    site: vm.source.provider.spec.sites[0] ?? 'local',
    part: 'main',
    hook: hook.name,
    claims: [],
  };
  return { record, itinerary: [step] };
}
