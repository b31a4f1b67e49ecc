import type { HookMoment, VmRecord } from '@ledgerlift/contracts';
import {
  type PlanHook,
  type RunState,
  type VmCommand,
  type VmLive,
  type VmState,
  CommandRefused,
  awaitsPlanHooks,
  cutoverDueAt,
  isBeforeCutover,
  isTerminal,
  planHookMigration,
  planHooksOf,
} from '@ledgerlift/migration';
import { DueTimers } from './due-timers.js';
import { vmStream } from './stream-names.js';
import type { RunTally } from './vm-index.js';

export interface PlanHooksAround {
  run(migrationId: string): RunState | undefined;
  vm(stream: string): VmState;
  tally(migrationId: string): RunTally;
  command(stream: string, command: VmCommand): Promise<unknown>;
  /** Sees that what fails is told, and made up for. */
  react(reaction: Promise<unknown>): void;
  /** Nothing of the plan's own holds its VMs back any more. */
  released(migrationId: string): Promise<void>;
}

const known = new WeakMap<RunState['started'], readonly PlanHook[]>();

/** The plan's hooks of a run, found once. */
export function hooksOfRun({ started }: RunState): readonly PlanHook[] {
  const found = known.get(started) ?? planHooksOf(started);
  known.set(started, found);
  return found;
}

/** Whether what a stream tells of is a hook of a whole plan. */
export const isPlanHook = ({ record }: VmLive): boolean => record.standsFor === 'plan';

/** What is recorded for the hooks of a plan before its run begins, as for its VMs. */
export const planHookCommands = (
  spec: RunState['started']['spec'],
  vmCount: number,
  firstVm: VmRecord | undefined,
): readonly Extract<VmCommand, { kind: 'plan' }>[] =>
  firstVm === undefined
    ? []
    : planHooksOf({ spec, vmCount }).map((hook) => ({ kind: 'plan', ...planHookMigration(hook, firstVm) }));

/**
 * Does the hooks of whole plans, each once and at its moment, those of one moment one after another. All follows from the
 * states of the run, its VMs and the hooks themselves, so looking again makes up for whatever a crash left undone.
 */
export class PlanHooks {
  /** Runs of which a VM's cutover has come due. */
  readonly #atCutover = new Set<string>();
  readonly #timers = new DueTimers((stream) => this.#cutoverDue(stream));

  constructor(private readonly around: PlanHooksAround) {}

  stop(): void {
    this.#timers.stop();
  }

  /** Why the VMs of the run may not begin yet; undefined: no hook of the plan keeps them. */
  holds(run: RunState): string | undefined {
    for (const { hook, index } of hooksOfRun(run).filter(({ hook: { at } }) => isBeforeAll(run, at))) {
      const state = this.#state(run, index);
      if (state?.phase === 'succeeded') continue;
      const what = `the plan's hook ${hook.name}`;
      const how = `${what} (${run.migrationId}/${index})`;
      if (state?.phase === 'failed' || state?.phase === 'held')
        return `${how}, which failed: ${errorOf(state)}; retry it, or cancel the plan`;
      return state?.phase === 'canceled'
        ? `${how}, which was canceled; cancel the plan, too`
        : `${how} to be done`;
    }
    return undefined;
  }

  /** Begins what is due, and cancels what a canceled run does not need any more; idempotent. */
  async look(migrationId: string): Promise<void> {
    const run = this.around.run(migrationId);
    if (run === undefined || hooksOfRun(run).length === 0) return;
    if (run.cancelReason !== undefined) await this.#cancel(run, run.cancelReason);
    for (const at of ['before', 'cutover', 'after', 'failure'] as const) {
      if (this.#isDue(run, at)) await this.#beginNext(run, at);
    }
  }

  /** Something happened to a hook. */
  async followed({ record: { migrationId }, phase }: VmLive): Promise<void> {
    await this.look(migrationId);
    const run = this.around.run(migrationId);
    if (phase !== 'succeeded' || run === undefined) return;
    if (this.holds(run) === undefined) await this.around.released(migrationId);
    if (this.#isDone(run, 'cutover'))
      for (const stream of this.around.tally(migrationId).open)
        await this.noticed(stream, this.around.vm(stream));
  }

  /** Something happened to a VM, whose cutover may wait for hooks of the plan. */
  async noticed(stream: string, state: VmState): Promise<void> {
    if (state?.record.cutoverAwaits === undefined) return;
    const isWaiting = awaitsPlanHooks(state) && isBeforeCutover(state) && !isTerminal(state);
    const run = this.around.run(state.record.migrationId);
    if (isWaiting && run !== undefined && this.#isDone(run, 'cutover')) {
      const hooks = hooksOfRun(run).flatMap(({ hook: { name, at } }) => (at === 'cutover' ? [name] : []));
      await this.around.command(stream, { kind: 'release-cutover', hooks });
    } else this.#timers.set(stream, isWaiting ? cutoverDueAt(state) : undefined);
  }

  #cutoverDue(stream: string): void {
    const migrationId = this.around.vm(stream)?.record.migrationId;
    if (migrationId === undefined) return;
    this.#atCutover.add(migrationId);
    this.around.react(this.look(migrationId));
  }

  #isDone(run: RunState, moment: HookMoment): boolean {
    return hooksOfRun(run).every(
      ({ hook: { at }, index }) => at !== moment || this.#state(run, index)?.phase === 'succeeded',
    );
  }

  #isDue(run: RunState, at: HookMoment): boolean {
    // What failed has failed, whether the rest was canceled or not.
    if (run.cancelReason !== undefined && at !== 'failure') return false;
    if (at === 'before') return run.approved;
    if (at === 'cutover')
      return isBeforeAll(run, at)
        ? run.approved && this.#isDone(run, 'before')
        : this.#atCutover.has(run.migrationId);
    const { open, phases } = this.around.tally(run.migrationId);
    if (open.size > 0 || run.completed === undefined) return false;
    return at === 'failure' ? phases.failed > 0 : phases.failed === 0;
  }

  async #beginNext(run: RunState, at: HookMoment): Promise<void> {
    const states = hooksOfRun(run).filter(({ hook }) => hook.at === at);
    for (const { index } of states) {
      const state = this.#state(run, index);
      if (state?.phase === 'succeeded') continue;
      if (state?.phase === 'planned')
        await this.around.command(vmStream(run.migrationId, index), { kind: 'admit', at: new Date() });
      return;
    }
  }

  async #cancel(run: RunState, reason: string): Promise<void> {
    for (const { index } of hooksOfRun(run).filter(({ hook: { at } }) => at !== 'failure')) {
      const state = this.#state(run, index);
      if (state === undefined || isTerminal(state) || state.cancel !== undefined) continue;
      try {
        await this.around.command(vmStream(run.migrationId, index), { kind: 'cancel', reason });
      } catch (error) {
        // It came to its end meanwhile.
        if (!(error instanceof CommandRefused)) throw error;
      }
    }
  }

  #state({ migrationId }: RunState, index: number): VmState {
    return this.around.vm(vmStream(migrationId, index));
  }
}

/** Only a warm plan has cutovers that come later than the begin. */
const isBeforeAll = ({ started: { spec } }: RunState, at: HookMoment): boolean =>
  at === 'before' || (at === 'cutover' && spec.type !== 'warm');

const errorOf = ({ attempts }: VmLive): string =>
  attempts.findLast(({ error }) => error !== undefined)?.error?.message ?? 'it says no more';
