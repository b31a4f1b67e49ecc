import type { Concern } from '@ledgerlift/contracts';
import { diskRules } from './disks.js';
import { guestRules } from './guest.js';
import { hardwareRules } from './hardware.js';
import { placementRules } from './placement.js';
import { type JudgedVm, type Place, type RawVm, Subject } from './subject.js';

const rules = [...diskRules, ...hardwareRules, ...guestRules, ...placementRules];

/**
 * What stands against a VM of vSphere, or is good to know of it. Ids are those that users know from Forklift; two are
 * ours. What depends on a plan (such as a snapshot that a warm migration needs) is judged with the plan.
 */
export function concernsOf(raw: RawVm, vm: JudgedVm, place: Place): Concern[] {
  const subject = new Subject(raw, vm, place);
  return rules.flatMap((rule) => rule(subject));
}
