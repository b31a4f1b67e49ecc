import type { Concern, Condition } from '@ledgerlift/contracts';
import { type ConditionTypeName, condition, listed } from '../condition-types.js';
import type { PlanFacts } from '../plan-facts.js';
import { sourceVms } from './disks.js';

/** Concerns that have a condition of their own; the others are told by category. */
const ownType: Readonly<Record<string, ConditionTypeName>> = {
  'ova.source.unsupported': 'UnsupportedOVFExportSource',
  'vmware.consolidation_needed': 'VMConsolidationNeeded',
  'vmware.disk.rdm.detected': 'RDMDiskWarning',
  'vmware.disk_mode.independent': 'IndependentDiskWarning',
  'vmware.host.not_ready': 'HostNotReady',
};

/** About what only some plans do. Everything else matters to every plan. */
const ofReading = new Set([
  'vmware.datastore.missing',
  'vmware.encryption.detected',
  'vmware.disk_mode.independent',
  'vmware.disk.rdm.detected',
  'vmware.disk.shared.detected',
  'vmware.consolidation_needed',
  'vmware.host.not_ready',
]);
const ofWarm = new Set([
  'vmware.changed_block_tracking.disabled',
  'vmware.changed_block_tracking.disk.disabled',
]);
const ofConversion = new Set(['vmware.guestDisks.freespace']);

function matters(id: string, { type, skipGuestConversion }: PlanFacts['spec']): boolean {
  if (ofReading.has(id)) return type !== 'conversion';
  if (ofWarm.has(id)) return type === 'warm';
  return !(ofConversion.has(id) && skipGuestConversion);
}

const typeOfCategory: Readonly<Record<Concern['category'], ConditionTypeName>> = {
  Critical: 'VMCriticalConcerns',
  Warning: 'VMConcerns',
  Information: 'VMInformation',
};

/** What the provider found to say of the VMs: one condition for each concern, with the VMs that it is about. */
export function checkConcerns(facts: PlanFacts): readonly Condition[] {
  const found = sourceVms(facts).flatMap((vm) =>
    vm.concerns.filter(({ id }) => matters(id, facts.spec)).map((concern) => ({ vm: vm.name, concern })),
  );
  return [...Map.groupBy(found, ({ concern }) => concern.id)].flatMap(([id, same]) => {
    const [first] = same;
    if (first === undefined) return [];
    const vms = [...new Set(same.map(({ vm }) => vm))];
    const { category, assessment } = first.concern;
    const label = listed([...new Set(same.map(({ concern }) => concern.label))], 3);
    const type = ownType[id] ?? typeOfCategory[category];
    return [condition(type, id, `${listed(vms)}: ${label}. ${assessment.replace(/[.;\s]+$/, '')}`, vms)];
  });
}
