import type { Concern } from '@ledgerlift/contracts';
import type { ConcernMeaning } from '../../plan-facts.js';
import type { Judge } from '../inventory/index.js';
import type { vsphereConditionTypes } from '../conditions.js';
import { diskRules } from './disks.js';
import { guestRules, hardwareRules, placementRules } from './machine.js';
import { type JudgedVm, type Place, type RawVm, Subject } from './subject.js';

const rules = [...diskRules, ...hardwareRules, ...guestRules, ...placementRules];

/**
 * Raises the concerns about a vSphere VM. Ids are Forklift's, which users know; two are ours. Matters that depend on a plan
 * (such as a snapshot that a warm migration needs) are checked with the plan.
 */
export function concernsOf(raw: RawVm, vm: JudgedVm, place: Place): Concern[] {
  const subject = new Subject(raw, vm, place);
  return rules.flatMap((rule) => rule(subject));
}

/** Raises the concerns about a VM as the inventory reads it. */
export const judge: Judge = (raw, vm, around) => {
  const host = raw.properties.get('runtime.host')?.ref;
  return concernsOf(raw, vm, {
    host: around.propertiesOf(host),
    cluster: around.propertiesOf(around.above(host, 'ClusterComputeResource')),
  });
};

type Meaning = ConcernMeaning & { readonly type?: keyof typeof vsphereConditionTypes };

/** Limits concerns to the plans that they matter to, and gives some a condition of their own. */
export const concernMeanings: Readonly<Record<string, Meaning>> = {
  'vmware.changed_block_tracking.disabled': { of: 'warm' },
  'vmware.changed_block_tracking.disk.disabled': { of: 'warm' },
  'vmware.consolidation_needed': { of: 'reading', type: 'VMConsolidationNeeded' },
  'vmware.datastore.missing': { of: 'reading' },
  'vmware.disk.rdm.detected': { of: 'reading', type: 'RDMDiskWarning' },
  'vmware.disk.shared.detected': { of: 'reading' },
  'vmware.disk_mode.independent': { of: 'reading', type: 'IndependentDiskWarning' },
  'vmware.encryption.detected': { of: 'reading' },
  'vmware.guestDisks.freespace': { of: 'conversion' },
  'vmware.host.not_ready': { of: 'reading', type: 'HostNotReady' },
};
