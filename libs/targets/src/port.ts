import type {
  Condition,
  ConditionCatalogue,
  ExtensionType,
  ItineraryStep,
  Resource,
  StepName,
  VmRecord,
} from '@ledgerlift/contracts';
import type { z } from 'zod';
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

/** The end of a log. */
export interface LogTail {
  readonly text: string;
  /** Of the whole log. */
  readonly sizeBytes: number;
}

/**
 * A kind of target: what a plan is checked for, where its VMs come, which steps lead there, and the place where workers
 * do them. A new one is a folder and a line in the registry.
 */
export interface Target<
  Settings extends TargetSettings = TargetSettings,
  View extends TargetView = TargetView,
> {
  readonly type: TargetType;
  /** The conditions that only this kind of target raises. */
  readonly conditionTypes: ConditionCatalogue;
  /** Looks whether the target can be used, how much room it has, and what of the plan is there. Makes nothing. */
  look(settings: Settings, plan: PlanAtTarget, use: TargetUse): Promise<Looked<View>>;
  /** What stands against the plan at this target. Pure. */
  conditions(settings: Settings, plan: PlanAtTarget, view: View): readonly Condition[];
  /** The place of one VM, of a plan against which nothing stands. Pure. @returns undefined where a part is missing */
  place(settings: Settings, plan: PlanAtTarget, vm: VmAtTarget, view: View): Placement | undefined;
  /** The VM's steps, in their order. Pure. @throws RecordMismatch where no site reaches both ends */
  itineraryFor(record: VmRecord, targetSites?: readonly string[]): ItineraryStep[];
  /** What each step claims. Pure. */
  claimsFor(record: VmRecord): Readonly<Record<StepName, readonly Resource[]>>;
  /** Where users find the target, such as the path of a folder. Pure. */
  where(settings: Settings): string;
  /**
   * The end of a log that a workplace kept with the VM.
   *
   * @param name as it was claimed
   * @returns undefined where there is none
   * @throws where it cannot be reached
   */
  readLog(record: VmRecord, name: string, tailBytes: number): Promise<LogTail | undefined>;
  /** Where a worker does what an attempt asks for. Makes nothing of the VM yet; to be closed in any case. */
  workplace(record: VmRecord, guard: Guard): Promise<Workplace>;
}

/** A target that is no part of this product. A service has it while LEDGERLIFT_EXTENSIONS names its module. */
export interface ExtensionTarget extends Target {
  readonly type: ExtensionType;
  /** Of its part of the spec, strict: what is wrong is told to whoever creates or changes a provider. */
  readonly settings: z.ZodType;
}
