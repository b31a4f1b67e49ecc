import type { Progress, ScheduleLimits, VmRecord } from '@ledgerlift/contracts';
import type { EventLog, StoredEvent } from '@ledgerlift/event-log';
import {
  CommandRefused,
  type RunState,
  type ScheduleEntry,
  type VmState,
  cutoverDueAt,
  decideNextWave,
  decideRunApproval,
  decideRunCancel,
  decideRunPause,
  decideRunResume,
  entryOf,
} from '@ledgerlift/migration';
import type { ResolvedPlan, ScheduledVm } from '@ledgerlift/planning';
import { v7 as uuidv7 } from 'uuid';
import type { CommandContext } from '../log/event-writer.js';
import { inPortions, takenBy } from './in-portions.js';
import type { ProcessManager } from './process-manager.js';
import { planCommands, startedEvent } from './recording.js';
import type { MigrationRun, OperatorCommand, RunService } from './run-service.js';
import type { RunStates } from './run-states.js';
import { RunView, vmStreamsOf } from './run-view.js';
import { vmStream } from './stream-names.js';

/**
 * Executes users' commands to runs. Each command is logged under the user's name before it is answered. Pause, cancel, approval
 * and the next wave are answered once the reactors have passed them on to the VMs.
 */
export class Runs implements RunService {
  constructor(
    private readonly log: EventLog,
    private readonly states: RunStates,
    private readonly processes: Pick<ProcessManager, 'check'>,
    private readonly progressOf: (stream: string) => Progress | undefined,
  ) {}

  async start(plan: ResolvedPlan, context: CommandContext): Promise<string> {
    const migrationId = uuidv7();
    // The VMs are recorded first, but do not count until MigrationStarted is in the log.
    await inPortions(planCommands(migrationId, plan, context.actor.name), (make) => {
      const command = make();
      return this.states.commandVm(vmStream(migrationId, command.record.index), command, context);
    });
    const started = startedEvent(migrationId, plan, context.actor.name);
    await this.states.changeRun(migrationId, () => [started], context);
    return migrationId;
  }

  cancelMigration(migrationId: string, reason: string, context: CommandContext): Promise<void> {
    return this.#change(migrationId, (run) => decideRunCancel(run, reason), context);
  }

  pauseMigration(migrationId: string, reason: string, context: CommandContext): Promise<void> {
    return this.#change(migrationId, (run) => decideRunPause(run, reason), context);
  }

  async resumeMigration(migrationId: string, reason: string, context: CommandContext): Promise<void> {
    await this.#change(migrationId, (run) => decideRunResume(run, reason), context);
    // Not a reaction: after a restart, it could not tell these VMs from one that was paused separately later.
    await this.askVms(migrationId, { kind: 'resume', reason }, context);
  }

  approveMigration(migrationId: string, reason: string, context: CommandContext): Promise<void> {
    return this.#change(migrationId, (run) => decideRunApproval(run, reason, context.actor.name), context);
  }

  /** Starts the wave after the last one that was started. @throws CommandRefused */
  startNextWave(migrationId: string, reason: string, context: CommandContext): Promise<void> {
    return this.#change(migrationId, (run) => decideNextWave(run, reason), context);
  }

  async askVm(
    migrationId: string,
    vm: number,
    command: OperatorCommand,
    context: CommandContext,
  ): Promise<void> {
    if (command.kind === 'resume' && this.states.run(migrationId)?.intent.kind === 'pause')
      throw new CommandRefused('resume', 'the whole migration is paused; resume the plan');
    await this.states.commandVm(vmStream(migrationId, vm), command, context);
  }

  async askVms(migrationId: string, command: OperatorCommand, context: CommandContext): Promise<number> {
    const run = this.states.run(migrationId);
    if (run === undefined) return 0;
    return takenBy(vmStreamsOf(run), (stream) => this.states.commandVm(stream, command, context));
  }

  async retryVm(
    migrationId: string,
    vm: number,
    reason: string,
    record: VmRecord,
    context: CommandContext,
  ): Promise<void> {
    if (this.states.run(migrationId)?.intent.kind === 'cancel')
      throw new CommandRefused('retry', 'the migration was canceled; start the plan again');
    const stream = vmStream(migrationId, vm);
    const state = this.states.vm(stream);
    const isChanged = state !== undefined && JSON.stringify(state.record) !== JSON.stringify(record);
    const command = { kind: 'retry', reason, ...(isChanged ? { record } : {}) } as const;
    await this.states.commandVm(stream, command, context);
  }

  get limits(): ScheduleLimits {
    return this.states.schedule.limits;
  }

  async setLimits(limits: ScheduleLimits, context: CommandContext): Promise<void> {
    await this.states.changeSchedule((execute) => execute((now) => now.setLimits(limits), context));
  }

  /** VMs of all runs that hold a slot, wait for one (in the schedule's order), or have a cutover scheduled. */
  get scheduled(): readonly ScheduledVm[] {
    const { running, waiting } = this.states.schedule;
    const of = (entry: ScheduleEntry): VmState => this.states.vm(vmStream(entry.migrationId, entry.vm));
    return [
      ...[...running.values()].map((entry) => ({ entry, state: of(entry), slot: 'held' as const })),
      ...waiting.map((entry) => ({ entry, state: of(entry), slot: 'wanted' as const })),
      ...[...this.states.index.open].flatMap((stream) => this.#withCutover(stream)),
    ];
  }

  migrations(): readonly MigrationRun[] {
    return this.states.runs().map((run) => this.#view(run));
  }

  migration(migrationId: string): MigrationRun | undefined {
    const run = this.states.run(migrationId);
    return run && this.#view(run);
  }

  history(stream: string, from = 0): AsyncIterable<StoredEvent> {
    return this.log.readStream(stream, { from });
  }

  /** Resolves once the reactors have passed the change on to the VMs. */
  async #change(
    migrationId: string,
    decide: Parameters<RunStates['changeRun']>[1],
    context: CommandContext,
  ): Promise<void> {
    const { events } = await this.states.changeRun(migrationId, decide, context);
    await this.processes.check({ of: 'run', migrationId }, events.at(-1));
  }

  /** The VM with its cutover's due time, if it waits for one. Such a VM is not in the schedule yet. */
  #withCutover(stream: string): readonly ScheduledVm[] {
    const state = this.states.vm(stream);
    const run = state && this.states.run(state.record.migrationId);
    const dueAt = state?.phase === 'waiting' ? cutoverDueAt(state) : undefined;
    if (state === undefined || run === undefined || dueAt === undefined) return [];
    return [{ entry: { ...entryOf(state, run), purpose: 'cutover' }, state, slot: new Date(dueAt) }];
  }

  #view(run: RunState): MigrationRun {
    return new RunView(run, this.states, this.progressOf);
  }
}
