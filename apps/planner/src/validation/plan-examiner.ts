import type { Condition, PlanSpec, SourceVm, VmRecord } from '@ledgerlift/contracts';
import type { Entry } from '../catalog/index.js';
import type { ResolvedPlan } from '../runs/run-service.js';
import type { PlannedVm } from './plan-facts.js';

export interface Examination {
  readonly at: string;
  readonly conditions: readonly Condition[];
  /** The plan as it would run; undefined where a Critical condition forbids it. */
  readonly resolved: ResolvedPlan | undefined;
}

/** A VM as it would be at the target. */
export interface OutlinedVm {
  readonly planned: PlannedVm;
  /** What would be recorded of it; undefined where something is missing for that, of which the conditions tell. */
  readonly record: Omit<VmRecord, 'migrationId' | 'index'> | undefined;
}

export interface Outline {
  readonly conditions: readonly Condition[];
  /** In the plan's order. */
  readonly vms: readonly OutlinedVm[];
}

export interface RetriedVm {
  readonly vm: SourceVm;
  /** All its disks are at the target: the source is looked at no more. */
  readonly isCopied: boolean;
  /** Its conversion, if it has one, is done. */
  readonly isConverted: boolean;
}

export interface ExaminationOptions {
  /** Only these VMs of the plan are looked at; what is there already of them is theirs. */
  readonly retried?: readonly RetriedVm[];
}

/** Looks at everything that a plan needs, and says what stands against it. */
export interface PlanExaminer {
  examine(plan: Entry<PlanSpec>, options?: ExaminationOptions): Promise<Examination>;
  /** Every VM of the plan as it would be at the target, whatever stands against the plan. */
  outline(plan: Entry<PlanSpec>): Promise<Outline>;
}
