import type { HookMoment, VmRecord } from '@ledgerlift/contracts';
import {
  type PlanHook,
  type RunState,
  type VmCommand,
  type VmLive,
  type VmState,
  CommandRefused,
  isTerminal,
  planHookMigration,
  planHooksOf,
} from '@ledgerlift/migration';
import { vmStream } from './stream-names.js';
import type { RunTally } from './vm-index.js';

export interface PlanHooksAround {
  run(migrationId: string): RunState | undefined;
  vm(stream: string): VmState;
  tally(migrationId: string): RunTally;
  command(stream: string, command: VmCommand): Promise<unknown>;
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
  constructor(private readonly around: PlanHooksAround) {}

  /** Why the VMs of the run may not begin yet; undefined: no hook of the plan keeps them. */
  holds(run: RunState): string | undefined {
    for (const { hook, index } of hooksOfRun(run).filter(({ hook: { at } }) => at === 'before')) {
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
    for (const at of ['before', 'after', 'failure'] as const) {
      if (this.#isDue(run, at)) await this.#beginNext(run, at);
    }
  }

  /** Something happened to a hook. */
  async followed({ record: { migrationId }, phase }: VmLive): Promise<void> {
    await this.look(migrationId);
    const run = this.around.run(migrationId);
    if (phase === 'succeeded' && run !== undefined && this.holds(run) === undefined)
      await this.around.released(migrationId);
  }

  #isDue(run: RunState, at: HookMoment): boolean {
    // What failed has failed, whether the rest was canceled or not.
    if (run.cancelReason !== undefined && at !== 'failure') return false;
    if (at === 'before') return run.approved;
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

const errorOf = ({ attempts }: VmLive): string =>
  attempts.findLast(({ error }) => error !== undefined)?.error?.message ?? 'it says no more';
