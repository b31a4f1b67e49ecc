import { type Condition, type ErrorDetails, LedgerliftError } from '@ledgerlift/contracts';
import { reasonOf } from '@ledgerlift/planning';

/** A Critical condition forbids the start. */
export class PlanNotReady extends LedgerliftError {
  readonly code = 'LL-PLN-104';
  constructor(
    readonly plan: string,
    readonly conditions: readonly Condition[],
    command = 'start',
  ) {
    const critical = conditions.filter(({ category }) => category === 'Critical');
    super(
      `${command} of plan '${plan}' is refused: ${critical.map(({ type, message }) => `${type}: ${message}`).join(' ')}`,
    );
  }

  override details(): ErrorDetails & { readonly conditions: readonly Condition[] } {
    return { ...super.details(), conditions: this.conditions };
  }
}

/** The plan has no migration for the command, or none of its VMs accepts it. */
export class NothingToDo extends LedgerliftError {
  readonly code = 'LL-PLN-108';
  constructor(command: string, plan: string, reason: string) {
    super(`${command} is refused: plan '${plan}' ${reason}`);
  }
}

export class NoSuchMigration extends LedgerliftError {
  readonly code = 'LL-PLN-109';
  constructor(readonly migrationId: string) {
    super(`there is no migration '${migrationId}'; GET /api/v1/migrations lists them`);
  }
}

export class NoSuchVm extends LedgerliftError {
  readonly code = 'LL-PLN-110';
  constructor(readonly vm: string) {
    super(`there is no VM ${vm}; GET /api/v1/migrations/{migration}/vms lists the VMs of a migration`);
  }
}

export class NoSuchVmInPlan extends LedgerliftError {
  readonly code = 'LL-PLN-123';
  constructor(plan: string, vm: string) {
    super(
      `the plan '${plan}' does not select a VM '${vm}'; GET /api/v1/plans/{plan}/selection lists those that it selects`,
      { field: 'vm' },
    );
  }
}

export class NoSuchEvent extends LedgerliftError {
  readonly code = 'LL-PLN-117';
  constructor(
    readonly stream: string,
    readonly revision: number,
  ) {
    super(`the log has no event ${revision} in stream '${stream}'`);
  }
}

/** A retry continues with existing resources, so the fields that determine their location and the steps must not have changed. */
export class RetryWouldDiverge extends LedgerliftError {
  readonly code = 'LL-PLN-111';
  constructor(vm: string, field: string, was: string, now: string) {
    super(
      `retry of '${vm}' is refused: ${field} is ${now} in the plan now, and was ${was} when the migration started; ` +
        'change it back, or archive the plan and start a new one',
      { field },
    );
  }
}

/** The VM was taken out of the plan, or the plan is gone. */
export class NotInPlanAnymore extends LedgerliftError {
  readonly code = 'LL-PLN-112';
  constructor(vm: string, plan: string) {
    super(`retry of '${vm}' is refused: plan '${plan}' no longer contains it; add it to the plan again`);
  }
}

/** The VM has no such log, or not yet. */
export class NoSuchLog extends LedgerliftError {
  readonly code = 'LL-PLN-114';
  constructor(vm: string, wanted: string | undefined, logs: readonly string[]) {
    super(
      `'${vm}' has no ${wanted === undefined ? 'log yet' : `log '${wanted}'`}; ` +
        (logs.length === 0 ? 'it comes with the conversion' : `it has ${logs.join(', ')}`),
      wanted === undefined ? undefined : { field: 'name' },
    );
  }
}

/** The log is stored at the target, and this planner cannot read it there. */
export class LogOutOfReach extends LedgerliftError {
  readonly code = 'LL-PLN-115';
  constructor(path: string, cause: unknown) {
    super(
      `the planner cannot read ${path} (${reasonOf(cause)}); ` +
        "give it access to the target's folder, or read the log there",
      { cause },
    );
  }
}
