import type { Condition, PlanSpec, VmRecord } from '@ledgerlift/contracts';
import {
  CommandRefused,
  leftoversDueAt,
  retryRefusal,
  wouldConvert,
  wouldReadSource,
} from '@ledgerlift/migration';
import {
  type CatalogProjection,
  type Entry,
  type Examination,
  type PlanExaminer,
  PlanIsArchived,
  PlanRunning,
} from '@ledgerlift/planning';
import { whereOf } from '@ledgerlift/targets';
import type { CatalogCommands } from '../catalog/index.js';
import type { CommandContext } from '../log/event-writer.js';
import { KeyedMutex } from '../log/decided-streams.js';
import type { MigrationRun, OperatorCommand, RunService, VmRun } from '../runs/run-service.js';
import type { ApiCall } from './edge/dispatcher.js';
import {
  NoSuchMigration,
  NoSuchVm,
  NothingToDo,
  NotInPlanAnymore,
  PlanNotReady,
  RetryWouldDiverge,
} from './errors.js';

export interface PlanValidationResult {
  readonly planId: string;
  readonly at: string;
  readonly conditions: readonly Condition[];
  readonly isReady: boolean;
}

/**
 * Validates, starts, cancels, retries and ends plans. Serializes start, archive and delete for each plan, so that none runs
 * between another's check and its action.
 */
export class PlanRuns {
  readonly #queues = new KeyedMutex();
  readonly #validations = new Map<string, PlanValidationResult & { readonly revision: number }>();

  constructor(
    private readonly catalog: CatalogProjection,
    private readonly commands: CatalogCommands,
    private readonly runs: RunService,
    private readonly examiner: PlanExaminer,
  ) {}

  /** The last validation since the planner started; undefined if there is none, or if the plan has changed since. */
  lastValidation({ id, revision }: Entry<PlanSpec>): PlanValidationResult | undefined {
    const last = this.#validations.get(id);
    return last?.revision === revision ? last : undefined;
  }

  /** @throws NotInCatalog */
  async validate(ref: string): Promise<PlanValidationResult> {
    const plan = this.catalog.plan(ref);
    return this.#remember(plan, await this.examiner.examine(plan));
  }

  /**
   * @returns id of the migration
   * @throws NotInCatalog, PlanIsArchived, PlanRunning, PlanNotReady
   */
  start(ref: string, context: CommandContext): Promise<string> {
    const { id } = this.catalog.plan(ref);
    return this.#queues.run(id, async () => {
      const plan = this.catalog.plan(id);
      if (plan.archived) throw new PlanIsArchived(plan.spec.name, 'start');
      const running = this.#running(id);
      if (running !== undefined) throw new PlanRunning(plan.spec.name, running.migrationId, 'start');
      const startNow = async (): Promise<string> => {
        const examination = await this.examiner.examine(plan);
        this.#remember(plan, examination);
        if (examination.resolved === undefined)
          throw new PlanNotReady(plan.spec.name, examination.conditions);
        return this.runs.start(examination.resolved, context);
      };
      // Serialized over all plans: two plans must not find the same disks free and both adopt them.
      return plan.spec.type === 'conversion' ? this.#queues.run('adopting disks', startNow) : startNow();
    });
  }

  /**
   * @returns id of the migration that is being canceled
   * @throws NotInCatalog, NothingToDo
   */
  async cancel(ref: string, reason: string, context: CommandContext): Promise<string> {
    const { migrationId } = this.#runningOf(ref, 'cancel');
    await this.runs.cancelMigration(migrationId, reason, context);
    return migrationId;
  }

  /**
   * Pauses, resumes or approves the plan's running migration, or starts its next wave.
   * @throws NotInCatalog, NothingToDo, CommandRefused
   */
  async steer(
    ref: string,
    how: 'pause' | 'resume' | 'approve' | 'start the next wave',
    reason: string,
    call: ApiCall,
  ): Promise<MigrationRun> {
    const { migrationId } = this.#runningOf(ref, how);
    if (!call.isRepeated) {
      const { runs } = this;
      const { context } = call;
      if (how === 'pause') await runs.pauseMigration(migrationId, reason, context);
      else if (how === 'resume') await runs.resumeMigration(migrationId, reason, context);
      else if (how === 'approve') await runs.approveMigration(migrationId, reason, context);
      else await runs.startNextWave(migrationId, reason, context);
      call.did(`migration-${migrationId}`);
    }
    return this.migration(migrationId);
  }

  /**
   * Sends the command to every VM of the plan's running migration, skipping VMs that refuse it.
   * @throws NotInCatalog; NothingToDo if no migration runs, or no VM accepts the command
   */
  async askAll(ref: string, command: OperatorCommand, call: ApiCall): Promise<MigrationRun> {
    const { migrationId } = this.#runningOf(ref, command.kind);
    if (!call.isRepeated) {
      const taken = await this.runs.askVms(migrationId, command, call.context);
      if (taken === 0)
        throw new NothingToDo(
          command.kind,
          this.catalog.plan(ref).spec.name,
          'has no VM that this could be asked of',
        );
      call.did(`migration-${migrationId}`);
    }
    return this.migration(migrationId);
  }

  /**
   * Retries the failed and held VMs and hooks of the plan's latest migration. A repeat of an interrupted request continues with
   * those that it had not reached.
   *
   * @throws NotInCatalog, PlanIsArchived, NothingToDo, PlanNotReady, NotInPlanAnymore, RetryWouldDiverge
   */
  async retry(ref: string, reason: string, call: ApiCall): Promise<MigrationRun> {
    const { id, spec } = this.catalog.plan(ref);
    const latest = this.#migrationsOf(id).at(-1);
    if (latest === undefined) throw new NothingToDo('retry', spec.name, 'was never started');
    const failed = latest.vms.filter(
      ({ state, stream }) =>
        (state?.phase === 'held' || (state?.phase === 'failed' && !state.isAbandoned)) &&
        !call.didBefore(stream),
    );
    // A VM that must not be retried does not block the others.
    const retryable = failed.filter(({ state }) => state !== undefined && retryRefusal(state) === undefined);
    const hooks = latest.hooks.filter(
      ({ state, stream }) =>
        (state?.phase === 'failed' || state?.phase === 'held') && !call.didBefore(stream),
    );
    for (const { stream, state } of hooks) {
      if (state === undefined) continue;
      await this.runs.retryVm(latest.migrationId, state.record.index, reason, state.record, call.context);
      call.did(stream);
    }
    if (retryable.length + hooks.length === 0 && !call.isRepeated) {
      const refusal = failed.flatMap(({ state }) => (state && retryRefusal(state)) ?? [])[0];
      throw (
        refusal ??
        new NothingToDo('retry', spec.name, 'has no VM that failed or is held in its latest migration')
      );
    }
    const records = await this.#recordsForRetry(id, retryable);
    for (const { stream, record } of records) {
      await this.runs.retryVm(latest.migrationId, record.index, reason, record, call.context);
      call.did(stream);
    }
    return this.migration(latest.migrationId);
  }

  /** @throws NoSuchVm, PlanIsArchived, PlanNotReady, NotInPlanAnymore, RetryWouldDiverge, CommandRefused */
  async retryVm(migrationId: string, vm: number, reason: string, context: CommandContext): Promise<void> {
    const run = this.vm(migrationId, vm);
    // A change of the plan does not affect its hook: the retry uses the recorded one.
    if (run.state?.record.standsFor === 'plan')
      return this.runs.retryVm(migrationId, vm, reason, run.state.record, context);
    const [retried] = await this.#recordsForRetry(this.migration(migrationId).planId, [run]);
    if (retried !== undefined) await this.runs.retryVm(migrationId, vm, reason, retried.record, context);
  }

  /** @throws NotInCatalog, PlanRunning */
  archive(ref: string, context: CommandContext): Promise<Entry<PlanSpec>> {
    return this.#end(ref, 'archive', context);
  }

  /** @throws NotInCatalog, PlanRunning */
  async delete(ref: string, context: CommandContext): Promise<void> {
    await this.#end(ref, 'delete', context);
  }

  /** Gives up the failed VMs of plans whose archive or delete a crash interrupted. Call it once the log has been read. */
  async reconcile(context: CommandContext): Promise<void> {
    for (const { planId } of this.runs.migrations()) {
      const plan = this.catalog.findPlan(planId);
      if (plan === undefined || plan.archived) await this.abandonFailed(planId, context);
    }
  }

  /**
   * Requests another clean-up for each VM whose leftovers are due for a retry. Skips VMs whose state another command has
   * changed.
   *
   * @param back limits this to VMs of a provider that became readable again
   * @returns ids of the providers of all VMs with leftovers
   */
  async removeLeftovers(context: CommandContext, at: Date, back?: string): Promise<ReadonlySet<string>> {
    const providers = new Set<string>();
    for (const { migrationId, vms } of this.runs.migrations()) {
      for (const { state } of vms) {
        if (state === undefined || (back !== undefined && state.record.source.provider.id !== back)) continue;
        const dueAt = leftoversDueAt(state, back === undefined ? 'not-looked-at' : 'back');
        if (dueAt === undefined) continue;
        providers.add(state.record.source.provider.id);
        if (dueAt > at.getTime()) continue;
        const command = { kind: 'clean-up', reason: 'an earlier clean-up left something' } as const;
        await this.runs.askVm(migrationId, state.record.index, command, context).catch((error: unknown) => {
          if (!(error instanceof CommandRefused)) throw error;
        });
      }
    }
    return providers;
  }

  /** Gives up the failed VMs of a plan, which removes the resources kept for a retry. */
  async abandonFailed(planId: string, context: CommandContext): Promise<void> {
    for (const { migrationId, vms } of this.#migrationsOf(planId)) {
      for (const { state } of vms) {
        if (state?.phase === 'failed' && !state.isAbandoned)
          await this.runs.askVm(
            migrationId,
            state.record.index,
            { kind: 'abandon', reason: 'the plan was ended' },
            context,
          );
      }
    }
  }

  /** @throws NoSuchMigration */
  migration(migrationId: string): MigrationRun {
    const run = this.runs.migration(migrationId);
    if (run === undefined) throw new NoSuchMigration(migrationId);
    return run;
  }

  /** @throws NoSuchMigration, NoSuchVm */
  vm(migrationId: string, vm: number): VmRun {
    const run = this.migration(migrationId).vm(vm);
    if (run?.state === undefined) throw new NoSuchVm(`${vm} in migration ${migrationId}`);
    return run;
  }

  #end(ref: string, how: 'archive' | 'delete', context: CommandContext): Promise<Entry<PlanSpec>> {
    const { id } = this.catalog.plan(ref);
    return this.#queues.run(id, async () => {
      const ended = await this.commands.endPlan(id, how, this.#running(id)?.migrationId, context);
      await this.abandonFailed(id, context);
      return ended;
    });
  }

  async #recordsForRetry(planId: string, vms: readonly VmRun[]) {
    if (vms.length === 0) return [];
    const plan = this.catalog.findPlan(planId);
    const states = vms.flatMap(({ stream, state }) => (state === undefined ? [] : [{ stream, state }]));
    const first = states[0]?.state.record;
    if (plan === undefined)
      throw new NotInPlanAnymore(first?.source.vm.name ?? '', first?.planName ?? planId);
    if (plan.archived) throw new PlanIsArchived(plan.spec.name, 'retry');
    const { resolved, conditions } = await this.examiner.examine(plan, {
      retried: states.map(({ state }) => ({
        vm: state.record.source.vm,
        // Once the disks are copied, the source is no longer needed, and changes there must not change the VM.
        isCopied: !wouldReadSource(state),
        isConverted: !wouldConvert(state),
      })),
    });
    const isMissing = (sourceId: string): boolean =>
      resolved !== undefined && !resolved.vms.some(({ source }) => source.vm.id === sourceId);
    const gone = states.find(({ state }) => isMissing(state.record.source.vm.id));
    if (gone !== undefined) throw new NotInPlanAnymore(gone.state.record.source.vm.name, plan.spec.name);
    if (resolved === undefined) throw new PlanNotReady(plan.spec.name, conditions, 'retry');
    return states.flatMap(({ stream, state }) => {
      const now = resolved.vms.find(({ source }) => source.vm.id === state.record.source.vm.id);
      return now === undefined ? [] : [{ stream, record: retryRecord(state.record, now) }];
    });
  }

  #remember(
    { id, revision }: Entry<PlanSpec>,
    { at, conditions, resolved }: Examination,
  ): PlanValidationResult {
    const result = { planId: id, revision, at, conditions, isReady: resolved !== undefined };
    this.#validations.set(id, result);
    return result;
  }

  #runningOf(ref: string, command: string): MigrationRun {
    const { id, spec } = this.catalog.plan(ref);
    const running = this.#running(id);
    if (running === undefined) throw new NothingToDo(command, spec.name, 'has no migration that runs');
    return running;
  }

  #running(planId: string): MigrationRun | undefined {
    return this.runs.migrations().find((run) => run.planId === planId && run.completedAt === undefined);
  }

  #migrationsOf(planId: string): readonly MigrationRun[] {
    return this.runs
      .migrations()
      .filter((run) => run.planId === planId)
      .toSorted((one, other) => one.startedAt.localeCompare(other.startedAt));
  }
}

/**
 * Fields that must not have changed since the start, because the itinerary runs as recorded and its resources stay where they
 * were claimed. Everything else (networks, sizes of steps, retry policy, limits, sites) may have changed.
 */
const fixed: Readonly<Record<string, (record: VmRecord) => unknown>> = {
  target: ({ target }) => target.providerId,
  'target.settings': ({ target }) => whereOf(target),
  targetName: ({ targetName }) => targetName,
  targetNamespace: ({ targetNamespace }) => targetNamespace,
  source: ({ source }) => source.provider.id,
  disks: ({ disks }) => disks.map(({ diskId, name, format }) => `${diskId} → ${name} (${format})`),
  type: ({ settings }) => settings.type,
  hooks: ({ settings }) => settings.hooks.map(({ name, at, run }) => `${name} (${at}, ${run.kind})`),
  skipGuestConversion: ({ settings }) => settings.skipGuestConversion,
  bootProof: ({ settings }) => settings.bootProof,
};

/**
 * @param was the VM as recorded in its migration
 * @param now the VM as the plan resolves it now
 * @returns the record that the retry continues with
 * @throws RetryWouldDiverge
 */
export function retryRecord(was: VmRecord, now: Omit<VmRecord, 'migrationId' | 'index'>): VmRecord {
  // `expected` comes from measurements. Newer ones are ignored, because they must not look like a change of the plan.
  const { expected: _, ...same } = now;
  const record = {
    ...same,
    ...(was.expected === undefined ? {} : { expected: was.expected }),
    ...(was.cutoverAwaits === undefined ? {} : { cutoverAwaits: was.cutoverAwaits }),
    ...(was.startedBy === undefined ? {} : { startedBy: was.startedBy }),
    migrationId: was.migrationId,
    index: was.index,
  };
  for (const [field, of] of Object.entries(fixed)) {
    const [before, after] = [JSON.stringify(of(was)), JSON.stringify(of(record))];
    if (before !== after) throw new RetryWouldDiverge(was.source.vm.name, field, before, after);
  }
  return record;
}
