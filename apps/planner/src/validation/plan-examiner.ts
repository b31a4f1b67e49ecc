import type { Condition, PlanSpec, SourceVm } from '@ledgerlift/contracts';
import type { Entry } from '../catalog/index.js';
import type { ResolvedPlan } from '../runs/run-service.js';

export interface Examination {
  readonly at: string;
  readonly conditions: readonly Condition[];
  /** The plan as it would run; undefined where a Critical condition forbids it. */
  readonly resolved: ResolvedPlan | undefined;
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
}
