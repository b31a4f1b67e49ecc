import type {
  Condition,
  ConditionCatalogue,
  ItineraryStep,
  Resource,
  StepName,
  VmRecord,
} from '@ledgerlift/contracts';
import type {
  Looked,
  Placement,
  PlanAtTarget,
  TargetSettings,
  TargetType,
  TargetUse,
  TargetView,
  VmAtTarget,
} from './plan.js';
import type { Guard, Workplace } from './workplace.js';

export type * from './plan.js';
export type * from './workplace.js';

/**
 * A kind of target: what a plan is checked for, where its VMs come, which steps lead there, and the place where workers
 * do them. A new one is a folder and a line in the registry.
 */
export interface Target<View extends TargetView = TargetView> {
  readonly type: TargetType;
  /** The conditions that only this kind of target raises. */
  readonly conditionTypes: ConditionCatalogue;
  /** Looks whether the target can be used, how much room it has, and what of the plan is there. Makes nothing. */
  look(settings: TargetSettings, plan: PlanAtTarget, use: TargetUse): Promise<Looked<View>>;
  /** What stands against the plan at this target. Pure. */
  conditions(settings: TargetSettings, plan: PlanAtTarget, view: View): readonly Condition[];
  /** The place of one VM, of a plan against which nothing stands. Pure. @returns undefined where a part is missing */
  place(settings: TargetSettings, plan: PlanAtTarget, vm: VmAtTarget, view: View): Placement | undefined;
  /** The VM's steps, in their order. Pure. @throws RecordMismatch where no site reaches both ends */
  itineraryFor(record: VmRecord, targetSites?: readonly string[]): ItineraryStep[];
  /** What each step claims. Pure. */
  claimsFor(record: VmRecord): Readonly<Record<StepName, readonly Resource[]>>;
  /** Where a worker does what an attempt asks for. Makes nothing of the VM yet; to be closed in any case. */
  workplace(record: VmRecord, guard: Guard): Promise<Workplace>;
}
