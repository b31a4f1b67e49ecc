import type { StoredEvent } from '@ledgerlift/event-log';
import { CommandRefused, type Presence } from '@ledgerlift/migration';
import type { Cause } from '../log/decided-streams.js';
import { Admission } from './admission.js';
import { DueTimers } from './due-timers.js';
import { inPortions } from './in-portions.js';
import { openSubjects, type Reaction, reactionsTo, type Subject, subjectOf } from './reactors.js';
import type { RunStates } from './run-states.js';
import { runStream, SCHEDULE_STREAM, systemContext, vmStream } from './stream-names.js';

export interface ProcessManagerOptions {
  /** When a planner led; time limits count no other time. */
  readonly presence: () => Presence;
  /** Tells a VM's worker at once that it must stop. */
  readonly stop: (stream: string, reason: string) => void;
  /** Called for each reaction that failed; the next reconcile repeats it. */
  readonly failed: (what: string, error: unknown) => void;
}

/** Passes the log's events to the reactors, and executes their reactions. */
export class ProcessManager {
  readonly #admission: Admission;
  readonly #timers = new DueTimers((stream) => void this.check({ of: 'vm', stream }));
  /** Subjects with new events, and the last event of each. */
  readonly #changed = new Map<string, { readonly subject: Subject; readonly cause: Cause }>();
  #isLeading = false;

  constructor(
    private readonly states: RunStates,
    private readonly options: ProcessManagerOptions,
  ) {
    this.#admission = new Admission(states, {
      holdsSlot: (migrationId, vm) => void this.check({ of: 'slot', migrationId, vm }),
      failed: (error) => options.failed('admission', error),
    });
  }

  /** Catches up once the whole log is in the states, then reacts to each new event. */
  async begin(): Promise<void> {
    this.#isLeading = true;
    await this.reconcile();
  }

  /** The next event of the log's feed, already in the states. */
  follow(event: StoredEvent): void {
    const subject = this.#isLeading ? subjectOf(event) : undefined;
    if (subject === undefined) return;
    // The feed delivers a batch synchronously; one check after the batch covers all events of a subject.
    if (this.#changed.size === 0) queueMicrotask(() => this.#checkChanged());
    this.#changed.set(keyOf(subject), { subject, cause: event });
  }

  /**
   * Runs the reactors for one subject, and resolves once all reactions were executed. Failures go to `failed`.
   *
   * @param cause the event that changed the subject; by default the last event of its stream
   */
  async check(subject: Subject, cause = this.states.lastEvent(streamOf(subject))): Promise<void> {
    if (!this.#isLeading) return;
    const moment = { at: new Date(), random: Math.random(), presence: this.options.presence() };
    try {
      const reactions = reactionsTo(subject, this.states, moment);
      await inPortions(reactions, (reaction) => this.#execute(reaction, cause));
    } catch (error) {
      this.options.failed('a reaction to an event', error);
    }
  }

  /**
   * Runs the reactors for everything that is open: after a restart, and every 30 seconds to repeat reactions that failed.
   * The cost grows with what is open, not with the length of the log.
   */
  async reconcile(): Promise<void> {
    await inPortions(openSubjects(this.states), (subject) => this.check(subject));
    await this.#admission.settled();
  }

  /** After the planner was away: gives unclaimed requests more time. */
  returned(): void {
    for (const stream of this.states.index.requested) void this.check({ of: 'vm', stream });
  }

  stop(): void {
    this.#isLeading = false;
    this.#timers.stop();
    this.#admission.stop();
  }

  #checkChanged(): void {
    const changed = [...this.#changed.values()];
    this.#changed.clear();
    for (const { subject, cause } of changed) void this.check(subject, cause);
  }

  async #execute(reaction: Reaction, cause: Cause | undefined): Promise<void> {
    switch (reaction.kind) {
      case 'command': {
        const { stream, command, askedIn } = reaction;
        const context = systemContext(stream, cause?.id);
        const asked = cause !== undefined && cause.type === askedIn ? { actor: cause.actor } : {};
        await allowRefusal(this.states.commandVm(stream, command, { ...context, ...asked }));
        return;
      }
      case 'run': {
        const { migrationId, decide } = reaction;
        const context = systemContext(runStream(migrationId), cause?.id);
        await allowRefusal(this.states.changeRun(migrationId, (run) => (run ? decide(run) : []), context));
        return;
      }
      case 'admission':
        return this.#admission.note(reaction.stream, cause?.id);
      case 'stop':
        return this.options.stop(reaction.stream, reaction.reason);
      case 'check again':
        return this.#timers.set(reaction.stream, reaction.at);
    }
  }
}

/** A refusal means that the stream has changed since the reactor ran: there is nothing left to do. */
async function allowRefusal(command: Promise<unknown>): Promise<void> {
  try {
    await command;
  } catch (error) {
    if (!(error instanceof CommandRefused)) throw error;
  }
}

function streamOf(subject: Subject): string {
  switch (subject.of) {
    case 'vm':
      return subject.stream;
    case 'run':
      return runStream(subject.migrationId);
    case 'slot':
      return vmStream(subject.migrationId, subject.vm);
    case 'schedule':
      return SCHEDULE_STREAM;
  }
}

const keyOf = (subject: Subject): string => `${subject.of} ${streamOf(subject)}`;
