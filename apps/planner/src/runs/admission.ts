import type { DomainEvent } from '@ledgerlift/contracts';
import {
  entryOf,
  holdsSlot,
  mayTakeRemovalSlot,
  removalChange,
  type Schedule,
  scheduleKey,
  type VmLive,
} from '@ledgerlift/migration';
import type { Execute } from '../log/decided-streams.js';
import type { CommandContext } from '../log/event-writer.js';
import { DueTimers } from './due-timers.js';
import { inPortions } from './in-portions.js';
import { heldBackBy } from './plan-hooks.js';
import type { RunStates } from './run-states.js';
import { SCHEDULE_STREAM, systemContext, vmStream } from './stream-names.js';

/** Most slot requests and releases in one append. */
const PORTION = 500;

export interface AdmissionOptions {
  /** Called for a planned VM that still holds a slot: it gave up its slot and wants it again before a round released it. */
  readonly holdsSlot: (migrationId: string, vm: number) => void;
  readonly failed: (error: unknown) => void;
}

/**
 * Finds the VMs that are eligible for a slot (start approved, wave started, not held back by a hook) and those that release one,
 * and asks the `Schedule` which to admit. Works in rounds: each appends all requests and releases, then the admissions. VMs that
 * change during a round are handled by the next one.
 */
export class Admission {
  /** Streams for the next round, and the id of the event that put each there. */
  readonly #noted = new Map<string, string | undefined>();
  /** Starts a round when a maintenance window opens for a waiting VM. */
  readonly #windowTimer = new DueTimers(() => this.note());
  #next: Promise<void> | undefined;

  constructor(
    private readonly states: RunStates,
    private readonly options: AdmissionOptions,
  ) {}

  /**
   * Requests a round that checks the VM. Its state at that time says whether it wants a slot or releases one.
   *
   * @param stream of the VM; left out to admit waiting VMs only, for example after the limits were raised
   * @param cause id of the event that led to it
   */
  note(stream?: string, cause?: string): void {
    if (stream !== undefined) this.#noted.set(stream, cause);
    if (this.#next === undefined) this.settled().catch(this.options.failed);
  }

  /** Resolves after a round that covers everything noted so far. */
  settled(): Promise<void> {
    this.#next ??= this.states.changeSchedule(async (execute) => {
      this.#next = undefined;
      await this.#round(execute);
    });
    return this.#next;
  }

  stop(): void {
    this.#windowTimer.stop();
  }

  async #round(execute: Execute<Schedule>): Promise<void> {
    const noted = [...this.#noted];
    this.#noted.clear();
    for (let from = 0; from < noted.length; from += PORTION) {
      const portion = noted.slice(from, from + PORTION);
      try {
        await execute(
          (schedule) => portion.flatMap(([stream]) => this.#changeFor(schedule, stream)),
          contextOf(portion),
        );
      } catch (error) {
        // The next round handles them again.
        for (const [stream, cause] of noted.slice(from)) this.#noted.set(stream, cause);
        throw error;
      }
    }
    for (const [stream] of noted) this.#reportHeldSlot(stream);
    const at = new Date();
    const { state, events } = await execute((schedule) => schedule.admit(at), contextOf(noted));
    this.#windowTimer.set(SCHEDULE_STREAM, state.nextWakeAt(at)?.getTime());
    // Within the round, so that no removal slot is released between this check and the VM's append.
    const given = events.flatMap(({ type, data }) => {
      const { migrationId, vm } = data as { readonly migrationId: string; readonly vm: number };
      return type === 'RemovalSlotGiven' ? [vmStream(migrationId, vm)] : [];
    });
    await inPortions([...new Set([...noted.map(([stream]) => stream), ...given])], async (stream) => {
      const vm = this.states.vm(stream);
      if (vm === undefined || !mayTakeRemovalSlot(state.removals, vm)) return;
      await this.states.commandVm(
        stream,
        { kind: 'take-removal-slot' },
        systemContext(stream, events.at(-1)?.id),
      );
    });
  }

  #changeFor(schedule: Schedule, stream: string): readonly DomainEvent[] {
    const state = this.states.vm(stream);
    return state === undefined
      ? []
      : [...removalChange(schedule.removals, state), ...this.#slotChange(schedule, state)];
  }

  #slotChange(schedule: Schedule, state: VmLive): readonly DomainEvent[] {
    if (holdsSlot(state)) return [];
    const { migrationId, index } = state.record;
    if (state.phase !== 'planned') return schedule.release(migrationId, index);
    const run = this.states.run(migrationId);
    if (run?.approved !== true || (state.record.wave ?? 1) > run.wave) return [];
    return heldBackBy(run, this.states) === undefined ? schedule.enqueue(entryOf(state, run)) : [];
  }

  #reportHeldSlot(stream: string): void {
    const state = this.states.vm(stream);
    if (state?.phase !== 'planned') return;
    const { migrationId, index } = state.record;
    if (this.states.schedule.running.has(scheduleKey(migrationId, index)))
      this.options.holdsSlot(migrationId, index);
  }
}

/** A round for one VM names that VM's event as its cause. */
function contextOf(noted: readonly (readonly [string, string | undefined])[]): CommandContext {
  const [first] = noted;
  return first === undefined || noted.length > 1 ? systemContext(SCHEDULE_STREAM) : systemContext(...first);
}
