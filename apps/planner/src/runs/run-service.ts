import type { Progress, ScheduleLimits, VmRecord } from '@ledgerlift/contracts';
import type { StoredEvent } from '@ledgerlift/event-log';
import type { VmCommand, VmState } from '@ledgerlift/migration';
import type { ResolvedPlan, ScheduledVm } from '@ledgerlift/planning';
import type { CommandContext } from '../log/event-writer.js';
import type { PhaseCounts } from './vm-index.js';

export interface VmRun {
  readonly stream: string;
  readonly state: VmState;
  readonly progress: Progress | undefined;
  /** What a VM without a slot waits for, in words. */
  readonly waitsFor?: string | undefined;
}

export interface MigrationRun {
  readonly migrationId: string;
  readonly planId: string;
  readonly startedAt: string;
  readonly completedAt: string | undefined;
  readonly cancelRequested: boolean;
  readonly pauseRequested: boolean;
  /** It waits for a second person's word. */
  readonly awaitsApproval: boolean;
  /** The last wave that was started, of these. */
  readonly wave: number;
  readonly waves: readonly number[];
  readonly planName: string;
  /** How many of its VMs are in each phase. */
  readonly phases: PhaseCounts;
  /** Sum over its VMs of the percent of their steps that are completed. */
  readonly percent: number;
  /** The VMs that a worker has: those that may have progress beside completed steps. */
  readonly underWay: readonly VmRun[];
  /** Made when it is asked for: there may be ten thousand. */
  readonly vms: readonly VmRun[];
  /** The plan's own hooks, under the numbers after its VMs. */
  readonly hooks: readonly VmRun[];
  /** @returns undefined where the migration has no such VM, nor a hook of the plan under this number */
  vm(index: number): VmRun | undefined;
}

/** What an operator may ask of a VM; everything else is said by workers, the clock or the schedule. */
export type OperatorCommand = Extract<
  VmCommand,
  {
    kind:
      | 'cancel'
      | 'pause'
      | 'resume'
      | 'cutover'
      | 'approve-cutover'
      | 'withdraw-cutover'
      | 'test-boot'
      | 'rollback'
      | 'abandon'
      | 'clean-up'
      | 'delete-target'
      | 'answer-hook';
  }
>;

/** Runs of plans: what the API asks of the part that decides. Throws coded LedgerliftErrors when it refuses. */
export interface RunService {
  start(plan: ResolvedPlan, context: CommandContext): Promise<string>;
  cancelMigration(migrationId: string, reason: string, context: CommandContext): Promise<void>;
  pauseMigration(migrationId: string, reason: string, context: CommandContext): Promise<void>;
  resumeMigration(migrationId: string, reason: string, context: CommandContext): Promise<void>;
  /** The second person's word for the start. @throws CommandRefused where the one who started gives it */
  approveMigration(migrationId: string, reason: string, context: CommandContext): Promise<void>;
  startNextWave(migrationId: string, reason: string, context: CommandContext): Promise<void>;
  /** What an operator asks of one VM. @throws CommandRefused */
  askVm(migrationId: string, vm: number, command: OperatorCommand, context: CommandContext): Promise<void>;
  /** The same of every VM of a migration for which it makes sense. @returns how many took it */
  askVms(migrationId: string, command: OperatorCommand, context: CommandContext): Promise<number>;
  /** `record`: the VM as it resolves now; recorded in the log where it differs from the one that ran so far. */
  retryVm(
    migrationId: string,
    vm: number,
    reason: string,
    record: VmRecord,
    context: CommandContext,
  ): Promise<void>;
  readonly limits: ScheduleLimits;
  setLimits(limits: ScheduleLimits, context: CommandContext): Promise<void>;
  /** VMs of all runs that have a place, want one, or will at a time that is known. */
  readonly scheduled: readonly ScheduledVm[];
  migrations(): readonly MigrationRun[];
  migration(migrationId: string): MigrationRun | undefined;
  /** The events of a stream, from this revision on where one is given. */
  history(stream: string, from?: number): AsyncIterable<StoredEvent>;
}
