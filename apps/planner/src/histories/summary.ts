import { ScheduleLimits } from '@ledgerlift/contracts';
import { type StoredEvent, domainEvent } from '@ledgerlift/event-log';
import {
  type RunState,
  Schedule,
  type VmState,
  evolveRun,
  evolveVm,
  keptOf,
  pipelineOf,
} from '@ledgerlift/migration';

/** The result of replaying a recorded history, which must be the same in every version. */
export interface HistorySummary {
  readonly events: number;
  readonly [fact: string]: unknown;
}

/** @param events of one stream, from the first. @throws UnknownEvent */
export function summaryOf(events: readonly StoredEvent[]): HistorySummary {
  const stream = events[0]?.stream ?? '';
  if (stream.startsWith('vm-')) return { events: events.length, ...vmFacts(events) };
  if (stream.startsWith('migration-')) return { events: events.length, ...runFacts(events) };
  const schedule = new Schedule(ScheduleLimits.parse({}));
  for (const event of events) schedule.apply(domainEvent(event));
  return { events: events.length, running: schedule.running.size, waiting: schedule.waitingCount };
}

function vmFacts(events: readonly StoredEvent[]): object {
  let state: VmState;
  // The state does not keep all attempts.
  const attempts = new Map<string, string>();
  for (const event of events) {
    state = evolveVm(state, domainEvent(event), event.time);
    for (const { step, attempt, status } of state?.attempts ?? []) attempts.set(`${step} ${attempt}`, status);
  }
  if (state === undefined) return { phase: 'not planned' };
  return {
    phase: state.phase,
    round: state.round,
    attempts: [...attempts].map(([name, status]) => `${name} ${status}`),
    pipeline: pipelineOf(state).map(({ step, status }) => `${step} ${status}`),
    ledger: Object.keys(state.ledger).sort(),
    kept: keptOf(state)
      .map(({ resource }) => resource.name)
      .sort(),
    conditions: state.conditions.map(({ type }) => type),
  };
}

function runFacts(events: readonly StoredEvent[]): object {
  const run = events.reduce<RunState | undefined>(
    (folded, event) => evolveRun(folded, domainEvent(event), event.time),
    undefined,
  );
  return { approved: run?.approved, wave: run?.wave, completed: run?.completed };
}
