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
  /** Waits for a second person's approval. */
  readonly awaitsApproval: boolean;
  /** The last of `waves` that was started. */
  readonly wave: number;
  readonly waves: readonly number[];
  readonly planName: string;
  /** How many of its VMs are in each phase. */
  readonly phases: PhaseCounts;
  /** Sum over its VMs of the percent of their steps that are completed. */
  readonly percent: number;
  /** VMs whose step a worker runs: they may have progress besides their completed steps. */
  readonly underWay: readonly VmRun[];
  /** Built on demand: there may be ten thousand. */
  readonly vms: readonly VmRun[];
  /** The plan's own hooks, numbered after its VMs. */
  readonly hooks: readonly VmRun[];
  /** @returns undefined if neither a VM nor a plan hook has this number */
  vm(index: number): VmRun | undefined;
}

/** Commands that an operator may give to a VM, except `retry` (see `retryVm`). */
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

/** The API's port to the runs of plans. Refusals are LedgerliftErrors with a code. */
export interface RunService {
  start(plan: ResolvedPlan, context: CommandContext): Promise<string>;
  cancelMigration(migrationId: string, reason: string, context: CommandContext): Promise<void>;
  pauseMigration(migrationId: string, reason: string, context: CommandContext): Promise<void>;
  resumeMigration(migrationId: string, reason: string, context: CommandContext): Promise<void>;
  /** Approves the start. @throws CommandRefused if the approver is the person who started it */
  approveMigration(migrationId: string, reason: string, context: CommandContext): Promise<void>;
  startNextWave(migrationId: string, reason: string, context: CommandContext): Promise<void>;
  /** Gives an operator's command to one VM. @throws CommandRefused */
  askVm(migrationId: string, vm: number, command: OperatorCommand, context: CommandContext): Promise<void>;
  /** Gives the command to every VM of a migration, skipping VMs that refuse it. @returns how many VMs it changed */
  askVms(migrationId: string, command: OperatorCommand, context: CommandContext): Promise<number>;
  /** @param record the VM as the plan resolves it now; logged if it differs from the record so far */
  retryVm(
    migrationId: string,
    vm: number,
    reason: string,
    record: VmRecord,
    context: CommandContext,
  ): Promise<void>;
  readonly limits: ScheduleLimits;
  setLimits(limits: ScheduleLimits, context: CommandContext): Promise<void>;
  /** VMs of all runs that hold a slot, wait for one, or have a cutover scheduled. */
  readonly scheduled: readonly ScheduledVm[];
  migrations(): readonly MigrationRun[];
  migration(migrationId: string): MigrationRun | undefined;
  /** The events of a stream. @param from the first revision; 0 by default */
  history(stream: string, from?: number): AsyncIterable<StoredEvent>;
}
