import type { DomainEvent, EventOf, ScheduleLimits } from '@ledgerlift/contracts';
import {
  type RunState,
  type Schedule,
  type ScheduleEntry,
  type VmLive,
  type VmState,
  type Windows,
  cutoverDueAt,
  holdsPlace,
  mayTakeTurn,
  removalChange,
} from '@ledgerlift/migration';
import type { DecidedStreams } from '../log/decided-streams.js';
import type { CommandContext } from '../log/event-writer.js';
import { DueTimers } from './due-timers.js';
import { inPortions } from './in-portions.js';
import { entryOf } from './schedule-entry.js';
import { SCHEDULE_STREAM, vmStream } from './stream-names.js';

export interface PlacesAround {
  readonly schedule: DecidedStreams<Schedule>;
  vm(stream: string): VmState;
  run(migrationId: string): RunState | undefined;
  /** Why no VM of the run may begin yet. */
  holds(run: RunState): string | undefined;
  /** The VM has a place now. */
  admitted(migrationId: string, vm: number): Promise<void>;
  /** The VM may remove snapshots now. */
  takeTurn(stream: string): Promise<unknown>;
  failed(error: unknown): void;
  context(stream: string): CommandContext;
}

export interface ScheduledVm {
  readonly entry: ScheduleEntry;
  readonly state: VmState;
  /** A time: until then it wants none. */
  readonly place: 'has' | 'wants' | Date;
}

/** So many are enqueued or released in one append. */
const PORTION = 500;

/**
 * Gives VMs their places, and their turns to remove snapshots. Who wants or leaves one is noted, and all who did so while
 * the last round was under way are served by the next: two appends for however many, since all of them go to one stream,
 * where each would have to wait for the one before it.
 */
export class Places {
  /** Streams to be looked at, and whether each has left the place that it may have. */
  readonly #touched = new Map<string, boolean>();
  /** For all who wait for a maintenance window. */
  readonly #windowTimer = new DueTimers(() => this.#settleLater());
  #last: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;

  constructor(private readonly around: PlacesAround) {}

  get #schedule(): Schedule {
    return this.around.schedule.state(SCHEDULE_STREAM);
  }

  get limits(): ScheduleLimits {
    return this.#schedule.limits;
  }

  /** @returns those who have a place */
  running(): readonly ScheduleEntry[] {
    return [...this.#schedule.running.values()];
  }

  /**
   * Who has a place, who wants one, in the order of the schedule, and who will at a time that is known.
   * @param open streams of the VMs that are not at their end
   */
  scheduled(open: Iterable<string>): readonly ScheduledVm[] {
    const { running, waiting } = this.#schedule;
    const of = (entry: ScheduleEntry): VmState => this.around.vm(vmStream(entry.migrationId, entry.vm));
    const vms: ScheduledVm[] = [
      ...[...running.values()].map((entry) => ({ entry, state: of(entry), place: 'has' as const })),
      ...waiting.map((entry) => ({ entry, state: of(entry), place: 'wants' as const })),
    ];
    for (const stream of open) {
      const state = this.around.vm(stream);
      const run = state && this.around.run(state.record.migrationId);
      const dueAt = state?.phase === 'waiting' ? cutoverDueAt(state) : undefined;
      if (run === undefined || state === undefined || dueAt === undefined) continue;
      vms.push({ entry: { ...entryOf(state, run), purpose: 'cutover' }, state, place: new Date(dueAt) });
    }
    return vms;
  }

  /** Whether the VM has a place, or waits for one. */
  has(migrationId: string, vm: number): boolean {
    return this.#schedule.has(migrationId, vm);
  }

  /** The VMs that have a place, as they are. */
  placed(): readonly VmLive[] {
    return this.running().flatMap(({ migrationId, vm }) => this.around.vm(vmStream(migrationId, vm)) ?? []);
  }

  /** Windows of the installation and of the VM's plan. */
  windowsOf(state: VmState): Windows {
    const run = state && this.around.run(state.record.migrationId);
    return [this.limits.windows, run?.started.spec.windows ?? []];
  }

  /** Why the VM waits; undefined where it does not. */
  waitsFor(migrationId: string, vm: number): string | undefined {
    return (
      this.#schedule.reasonForRemoval(migrationId, vm) ??
      this.#schedule.reasonFor(migrationId, vm, new Date())
    );
  }

  /** Whether a round has something to do for the VM. */
  concerns(state: VmLive): boolean {
    const { removals } = this.#schedule;
    return !holdsPlace(state) || removalChange(removals, state).length > 0 || mayTakeTurn(removals, state);
  }

  async setLimits(limits: ScheduleLimits, context: CommandContext): Promise<void> {
    await this.around.schedule.execute(SCHEDULE_STREAM, (schedule) => schedule.setLimits(limits), context);
    await this.settle();
  }

  /** The VM wants a place, or needs its own no longer: which of them, its state says when the next round comes. */
  touch(stream: string): void {
    const state = this.around.vm(stream);
    const hasLeft = state !== undefined && state.phase !== 'planned' && !holdsPlace(state);
    this.#touched.set(stream, hasLeft || this.#touched.get(stream) === true);
    this.#settleLater();
  }

  /** Resolves when all that was touched so far is in the schedule, and all who can be have been admitted. */
  settle(): Promise<void> {
    this.#next ??= this.#last.then(() => {
      this.#next = undefined;
      return this.#round();
    });
    this.#last = this.#next.catch(() => undefined);
    return this.#next;
  }

  /** Looks at everybody who wants or has a turn, and serves all who wait. */
  reconcile(): Promise<void> {
    for (const { migrationId, vm } of this.#schedule.removals.all()) this.touch(vmStream(migrationId, vm));
    return this.settle();
  }

  stop(): void {
    this.#windowTimer.stop();
  }

  #settleLater(): void {
    if (this.#next === undefined) this.settle().catch((error: unknown) => this.around.failed(error));
  }

  async #round(): Promise<void> {
    const { schedule, context } = this.around;
    const touched = [...this.#touched];
    this.#touched.clear();
    for (let from = 0; from < touched.length; from += PORTION) {
      const portion = touched.slice(from, from + PORTION);
      const first = portion[0]?.[0] ?? SCHEDULE_STREAM;
      try {
        await schedule.execute(
          SCHEDULE_STREAM,
          (now) =>
            portion.flatMap(([stream, hasLeft]) => {
              const state = this.around.vm(stream);
              if (state === undefined) return [];
              return [...removalChange(now.removals, state), ...this.#placeChange(now, state, hasLeft)];
            }),
          portion.length === 1 ? context(first) : context(SCHEDULE_STREAM),
        );
      } catch (error) {
        // Nothing is forgotten: the next round has them again.
        for (const [stream, hasLeft] of touched.slice(from))
          this.#touched.set(stream, hasLeft || this.#touched.get(stream) === true);
        throw error;
      }
    }
    const given = await this.#admit();
    // Waited for: while turns are taken none is given back, so that nobody acts on one that another has by then.
    await inPortions([...new Set([...touched.map(([stream]) => stream), ...given])], async (stream) => {
      const state = this.around.vm(stream);
      if (state !== undefined && mayTakeTurn(this.#schedule.removals, state))
        await this.around.takeTurn(stream);
    });
  }

  #placeChange(schedule: Schedule, state: VmLive, hasLeft: boolean): readonly DomainEvent[] {
    if (holdsPlace(state)) return [];
    const { migrationId, index } = state.record;
    if (state.phase !== 'planned') return schedule.release(migrationId, index);
    const run = this.around.run(migrationId);
    if (run?.approved !== true || (state.record.wave ?? 1) > run.wave) return [];
    if (this.around.holds(run) !== undefined) return [];
    const entry = entryOf(state, run);
    // It left, and wants a place again before anybody took the old one back.
    return hasLeft && schedule.running.has(`${migrationId}/${index}`)
      ? [...schedule.release(migrationId, index), { type: 'VmEnqueued', data: { ...entry } }]
      : schedule.enqueue(entry);
  }

  /** @returns streams of those who got a turn */
  async #admit(): Promise<readonly string[]> {
    const at = new Date();
    const { state, events } = await this.around.schedule.execute(
      SCHEDULE_STREAM,
      (schedule) => schedule.admit(at),
      this.around.context(SCHEDULE_STREAM),
    );
    this.#windowTimer.set(SCHEDULE_STREAM, state.nextWakeAt(at)?.getTime());
    const of = (wanted: DomainEvent['type']): readonly VmRef[] =>
      events.flatMap(({ type, data }) => (type === wanted ? [data as VmRef] : []));
    // Not waited for: the next round need not stand still until they have begun.
    void inPortions(of('VmAdmitted'), ({ migrationId, vm }) => this.around.admitted(migrationId, vm)).catch(
      (error: unknown) => this.around.failed(error),
    );
    return of('RemovalTurnGiven').map(({ migrationId, vm }) => vmStream(migrationId, vm));
  }
}

type VmRef = EventOf<'VmAdmitted' | 'RemovalTurnGiven'>['data'];
