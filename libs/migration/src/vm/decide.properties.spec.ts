import { alwaysPresent } from '../presence/presence.js';
import { type DomainEvent, type StepError, eventSchemas } from '@ledgerlift/contracts';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  completedBy,
  connectionReset,
  failedWith,
  itinerary,
  noRoot,
  noon,
  otherHost,
  record,
  report,
} from '../spec/fixtures.js';
import type { VmCommand } from './commands.js';
import { decideVm } from './decide.js';
import { evolveVm } from './evolve.js';
import { AttemptSuperseded, CommandRefused } from './refusals.js';
import { isTerminal, openAttempt, type VmLive, type VmState } from './state.js';

/** What may happen next; which attempt it is about is filled in from the state when it happens. */
type Happening =
  | {
      readonly kind:
        | 'admit'
        | 'claim'
        | 'complete'
        | 'lose'
        | 'due'
        | 'cancel'
        | 'retry'
        | 'abandon'
        | 'stale-report'
        | 'stale-claim';
    }
  | { readonly kind: 'fail'; readonly error: StepError }
  | { readonly kind: 'checkpoint'; readonly bytes: number };

// What moves a VM on comes more often than what stops it, or no history would get far.
const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom<Happening>({ kind: 'claim' }, { kind: 'complete' }) },
  { weight: 2, arbitrary: fc.constantFrom<Happening>({ kind: 'admit' }, { kind: 'due' }, { kind: 'lose' }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Happening>(
      { kind: 'retry' },
      { kind: 'stale-report' },
      { kind: 'stale-claim' },
    ),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom(connectionReset, noRoot, otherHost)
      .map((error): Happening => ({ kind: 'fail', error })),
  },
  { weight: 1, arbitrary: fc.nat(100).map((bytes): Happening => ({ kind: 'checkpoint', bytes })) },
  { weight: 1, arbitrary: fc.constantFrom<Happening>({ kind: 'cancel' }, { kind: 'abandon' }) },
);

function commandFor(happening: Happening, state: VmLive): VmCommand | undefined {
  const open = openAttempt(state);
  const number = (open?.lastReport ?? 0) + 1;
  switch (happening.kind) {
    case 'admit':
      return { kind: 'admit', at: noon };
    case 'claim':
      return open && { kind: 'claim', step: open.step, attempt: open.attempt, worker: 'w1', at: noon };
    case 'complete': {
      if (open === undefined) return undefined;
      const released = open.release.map((resource) => ({ resource, how: 'removed' as const }));
      return {
        kind: 'report',
        report: report(open.step, open.attempt, number, { outcome: completedBy(open.step), released }),
        at: noon,
        random: 0.5,
      };
    }
    case 'fail':
      return (
        open && {
          kind: 'report',
          report: report(open.step, open.attempt, number, { outcome: failedWith(happening.error) }),
          at: noon,
          random: 0.5,
        }
      );
    case 'checkpoint': {
      const checkpoint = {
        diskId: 'd0',
        momentId: 'off',
        bytesDone: happening.bytes,
        bytesTotal: 100,
        manifestDigest: `${happening.bytes}`,
      };
      return (
        open && {
          kind: 'report',
          report: report(open.step, open.attempt, number, { checkpoints: [checkpoint] }),
          at: noon,
          random: 0.5,
        }
      );
    }
    case 'lose':
      return open && { kind: 'lose', step: open.step, attempt: open.attempt, at: noon };
    case 'due':
      return { kind: 'wake', at: new Date('2027-01-01T00:00:00Z'), random: 0, presence: alwaysPresent };
    case 'cancel':
      return { kind: 'cancel', reason: 'operator' };
    case 'retry':
      return { kind: 'retry', reason: 'operator' };
    case 'abandon':
      return { kind: 'abandon', reason: 'operator' };
    case 'stale-report':
      return {
        kind: 'report',
        report: report('DiskTransfer', 1, 99, { outcome: completedBy('DiskTransfer') }),
        at: noon,
        random: 0.5,
      };
    case 'stale-claim':
      return { kind: 'claim', step: 'DiskTransfer', attempt: 1, worker: 'w9', at: noon };
  }
}

interface Told {
  readonly events: readonly DomainEvent[];
  readonly states: readonly VmLive[];
  readonly commands: readonly VmCommand[];
}

/** Plays the happenings; a refusal changes nothing, any other error fails the property. */
function play(happenings: readonly Happening[]): Told {
  const events: DomainEvent[] = [];
  const states: VmLive[] = [];
  const commands: VmCommand[] = [];
  let state: VmState;
  const carryOut = (command: VmCommand): void => {
    let decided: readonly DomainEvent[] = [];
    try {
      decided = decideVm(command, state);
    } catch (error) {
      if (!(error instanceof CommandRefused || error instanceof AttemptSuperseded)) throw error;
    }
    for (const event of decided) state = evolveVm(state, event);
    events.push(...decided);
    commands.push(command);
    if (state !== undefined) states.push(state);
  };
  carryOut({ kind: 'plan', record, itinerary });
  for (const each of happenings) {
    const command = state && commandFor(each, state);
    if (command !== undefined) carryOut(command);
  }
  return { events, states, commands };
}

const histories = fc.array(happening, { maxLength: 120 });
const fold = (events: readonly DomainEvent[], from: VmState): VmState =>
  events.reduce((state: VmState, event) => evolveVm(state, event), from);
const holds = (property: (told: Told) => void): void =>
  fc.assert(
    fc.property(histories, (happenings) => property(play(happenings))),
    { numRuns: 400 },
  );

describe('in every history of a VM', () => {
  it('a terminal VM never moves again, but for an operator who retries or abandons a failed one', () => {
    holds(({ states, commands }) => {
      states.forEach((state, index) => {
        const before = states[index - 1];
        if (before === undefined || !isTerminal(before) || before === state) return;
        expect(before.phase).toBe('failed');
        expect(['retry', 'abandon']).toContain(commands[index]?.kind);
      });
    });
  });

  it('every claimed resource ends released or listed as kept', () => {
    holds(({ states }) => {
      for (const state of states.filter(isTerminal)) {
        expect(state.kept.map(({ resource }) => resource.name).sort()).toEqual(
          Object.values(state.ledger)
            .map(({ name }) => name)
            .sort(),
        );
      }
    });
  });

  it('what the log keeps of the events leads to the state that was decided on, event by event', () => {
    holds(({ events, states }) => {
      // As the log keeps them: JSON, in the schema of their type, which drops what it does not know.
      const stored = events.map(({ type, data }) => ({
        type,
        data: eventSchemas[type].data.parse(JSON.parse(JSON.stringify(data))),
      })) as readonly DomainEvent[];
      expect(fold(stored, undefined)).toEqual(states.at(-1));
    });
  });

  it('at most one attempt is open, and the numbers of a step only grow', () => {
    holds(({ states }) => {
      const { attempts } = states.at(-1) ?? { attempts: [] };
      const highest = new Map<string, number>();
      for (const { step, attempt } of attempts) {
        expect(attempt).toBe((highest.get(step) ?? 0) + 1);
        highest.set(step, attempt);
      }
      const open = attempts.slice(0, -1).filter((attempt) => attempt.status === 'started');
      expect(open).toEqual([]);
    });
  });

  it('nothing but clean-up is asked for once it is canceled', () => {
    holds(({ events }) => {
      const canceled = events.findIndex((event) => event.type === 'CancelRequested');
      if (canceled < 0) return;
      const asked = events
        .slice(canceled)
        .flatMap((event) => (event.type === 'StepRequested' ? [event.data.step] : []));
      expect(asked.every((step) => step === 'Cleanup')).toBe(true);
    });
  });

  it('a resource is in the ledger before the step that makes it is asked for', () => {
    holds(({ events }) => {
      const claimed = new Set<string>();
      for (const event of events) {
        if (event.type === 'ResourceClaimed') claimed.add(event.data.resource.name);
        if (event.type !== 'StepRequested') continue;
        const step = itinerary.find((each) => each.step === event.data.step);
        expect(step?.claims.every((resource) => claimed.has(resource.name)) ?? true).toBe(true);
      }
    });
  });

  it('it succeeds only after every step of its itinerary has completed', () => {
    holds(({ events, states }) => {
      if (states.at(-1)?.phase !== 'succeeded') return;
      const completed = new Set(
        events.flatMap((event) => (event.type === 'StepCompleted' ? [event.data.step] : [])),
      );
      expect(itinerary.every(({ step }) => completed.has(step))).toBe(true);
    });
  });

  it('whatever happened, workers that work bring it to an end', () => {
    fc.assert(
      fc.property(histories, (happenings) => {
        const rest = Array.from({ length: 60 }, (_, n): Happening => ({
          kind: (['admit', 'due', 'claim', 'complete'] as const)[n % 4] ?? 'due',
        }));
        // Who has it by now, such as one that claimed it and is gone, is lost first.
        const last = play([...happenings, { kind: 'lose' }, ...rest]).states.at(-1);
        expect(last !== undefined && (isTerminal(last) || last.phase === 'held')).toBe(true);
      }),
      { numRuns: 200 },
    );
  });
});
