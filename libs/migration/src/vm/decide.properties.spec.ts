import { describe, expect, it } from '@jest/globals';
import {
  type DomainEvent,
  type Resource,
  type StepError,
  type StepName,
  eventSchemas,
} from '@ledgerlift/contracts';
import fc from 'fast-check';
import { ColdVmModel } from '../spec/cold-vm-model.js';
import { alwaysPresent } from '../presence.js';
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
import { AttemptSuperseded, CommandRefused, type VmCommand } from './commands.js';
import { decideVm } from './decide.js';
import { evolveVm } from './evolve.js';
import { isTerminal, keptOf, openAttempt, type VmLive, type VmState } from './state.js';

/**
 * The decider beside a model of a cold VM: after any commands, both must agree. fast-check shrinks what they disagree
 * about to the few commands that matter.
 */

/** The decider, with the log that it writes. */
class Decider {
  readonly events: DomainEvent[] = [];
  #state: VmState;

  constructor() {
    this.carryOut({ kind: 'plan', record, itinerary });
  }

  get state(): VmLive {
    if (this.#state === undefined) throw new Error('the VM is not planned');
    return this.#state;
  }

  /** A refusal changes nothing; any other error fails the property. */
  carryOut(command: VmCommand): readonly DomainEvent[] {
    let decided: readonly DomainEvent[] = [];
    try {
      decided = decideVm(command, this.#state);
    } catch (error) {
      if (!(error instanceof CommandRefused || error instanceof AttemptSuperseded)) throw error;
    }
    for (const event of decided) this.#state = evolveVm(this.#state, event);
    this.events.push(...decided);
    return decided;
  }

  /** The worker of the open attempt reports. */
  report(content: Parameters<typeof report>[3]): void {
    const open = openAttempt(this.state);
    if (open === undefined) throw new Error(`no attempt is open: the VM is ${this.state.phase}`);
    const said = report(open.step, open.attempt, open.lastReport + 1, content);
    this.carryOut({ kind: 'report', report: said, at: noon, random: 0.5 });
  }
}

interface Move {
  readonly name: string;
  readonly isPossible: (model: ColdVmModel) => boolean;
  readonly model: (model: ColdVmModel) => void;
  readonly decider: (decider: Decider) => void;
}

/** One move of both, after which they must agree. Where the model does not allow it, the decider must do nothing. */
class ModelCommand implements fc.Command<ColdVmModel, Decider> {
  constructor(private readonly move: Move) {}

  check(): boolean {
    return true;
  }

  run(model: ColdVmModel, decider: Decider): void {
    const before = decider.state;
    this.move.decider(decider);
    if (this.move.isPossible(model)) this.move.model(model);
    else expect(decider.state).toBe(before);
    agree(model, decider);
    checkLaws(decider, before);
  }

  toString(): string {
    return this.move.name;
  }
}

function agree(model: ColdVmModel, { state }: Decider): void {
  const open = openAttempt(state);
  expect({
    phase: state.phase,
    step: open?.step,
    attempt: open?.attempt,
    isClaimed: open?.status === 'started',
    ledger: names(Object.values(state.ledger)),
  }).toEqual({
    phase: model.phase,
    step: model.open?.step,
    attempt: model.open?.attempt,
    isClaimed: model.open?.isClaimed ?? false,
    ledger: names([...model.ledger]),
  });
}

/** What must hold in every history of any VM. */
function checkLaws({ events, state }: Decider, before: VmLive): void {
  if (isTerminal(before) && state !== before) {
    expect(before.phase).toBe('failed');
    expect(['RetryRequested', 'VmMigrationAbandoned']).toContain(eventAfter(events, before));
  }
  if (isTerminal(state)) {
    // Every claimed resource is released or listed as kept.
    expect(names(keptOf(state).map(({ resource }) => resource))).toEqual(names(Object.values(state.ledger)));
    const completed = new Set(
      events.flatMap((event) => (event.type === 'StepCompleted' ? [event.data.step] : [])),
    );
    if (state.phase === 'succeeded') expect(itinerary.every(({ step }) => completed.has(step))).toBe(true);
  }
  const canceled = events.findIndex(({ type }) => type === 'CancelRequested');
  const afterCancel = canceled < 0 ? [] : events.slice(canceled).flatMap(stepRequested);
  expect(afterCancel.every((step) => step === 'Cleanup')).toBe(true);
  expect(state.attempts.slice(0, -1).filter(({ status }) => status === 'started')).toEqual([]);
}

/** The event that moved a VM which had ended. */
function eventAfter(
  events: readonly DomainEvent[],
  { attemptsMade }: VmLive,
): DomainEvent['type'] | undefined {
  const requests = events.flatMap((event, index) => (event.type === 'StepRequested' ? [index] : []));
  const last = requests[attemptsMade - 1] ?? -1;
  const end = events.findIndex(({ type }, index) => index > last && type === 'VmMigrationFailed');
  return events[end + 1]?.type;
}

const names = (resources: readonly Resource[]): string[] => resources.map(({ name }) => name).sort();
const stepRequested = (event: DomainEvent): readonly StepName[] =>
  event.type === 'StepRequested' ? [event.data.step] : [];

const isClaimed = ({ open }: ColdVmModel): boolean => open?.isClaimed === true;
const command =
  (make: (state: VmLive) => VmCommand | undefined) =>
  (decider: Decider): void => {
    const made = make(decider.state);
    if (made !== undefined) decider.carryOut(made);
  };
/** By the worker that claimed the open attempt; nothing happens without one. */
const reports =
  (content: (decider: Decider) => Parameters<typeof report>[3]) =>
  (decider: Decider): void => {
    if (openAttempt(decider.state)?.status === 'started') decider.report(content(decider));
  };

const admit: Move = {
  name: 'admit',
  isPossible: ({ phase }) => phase === 'planned',
  model: (model) => model.admit(),
  decider: command(() => ({ kind: 'admit', at: noon })),
};
const claim: Move = {
  name: 'claim',
  isPossible: ({ open }) => open !== undefined && !open.isClaimed,
  model: (model) => model.claim(),
  decider: command((state) => {
    const open = openAttempt(state);
    return open && { kind: 'claim', step: open.step, attempt: open.attempt, worker: 'w1', at: noon };
  }),
};
const complete: Move = {
  name: 'complete',
  isPossible: isClaimed,
  model: (model) => model.complete(),
  decider: reports(({ state }) => {
    const { step = 'Cleanup', release = [] } = openAttempt(state) ?? {};
    const released = release.map((resource) => ({ resource, how: 'removed' as const }));
    return { outcome: completedBy(step), released };
  }),
};
const lose: Move = {
  name: 'lose the worker',
  isPossible: isClaimed,
  model: (model) => model.fail(connectionReset, 'lost'),
  decider: command((state) => {
    const open = openAttempt(state);
    return open && { kind: 'lose', step: open.step, attempt: open.attempt, at: noon };
  }),
};
const due: Move = {
  name: 'wait',
  isPossible: ({ retry }) => retry !== undefined,
  model: (model) => model.due(),
  decider: command(() => ({
    kind: 'wake',
    at: new Date('2027-01-01T00:00:00Z'),
    random: 0,
    presence: alwaysPresent,
  })),
};
const fail = (error: StepError): Move => ({
  name: `fail (${error.class})`,
  isPossible: isClaimed,
  model: (model) => model.fail(error, 'reported'),
  decider: reports(() => ({ outcome: failedWith(error) })),
});
const checkpoint = (bytesDone: number): Move => ({
  name: `checkpoint at ${bytesDone}`,
  isPossible: isClaimed,
  model: (model) => model.progress(),
  decider: reports(({ events }) => ({
    checkpoints: [
      // A number that no earlier one had, so that each is progress.
      { diskId: 'd0', momentId: `m${events.length}`, bytesDone, bytesTotal: 100, manifestDigest: '' },
    ],
  })),
});
const cancel: Move = {
  name: 'cancel',
  isPossible: ({ isCanceled, phase, hasEnded }) => !isCanceled && phase !== 'cleaning' && !hasEnded,
  model: (model) => model.cancel(),
  decider: command(() => ({ kind: 'cancel', reason: 'operator' })),
};
const retry: Move = {
  name: 'retry',
  isPossible: ({ phase, retry, isAbandoned }) =>
    !isAbandoned && (phase === 'failed' || phase === 'held' || (phase === 'running' && retry !== undefined)),
  model: (model) => model.retryNow(),
  decider: command(() => ({ kind: 'retry', reason: 'operator' })),
};
const abandon: Move = {
  name: 'abandon',
  isPossible: ({ phase, isAbandoned }) => phase === 'failed' && !isAbandoned,
  model: (model) => model.abandon(),
  decider: command(() => ({ kind: 'abandon', reason: 'operator' })),
};
/** From a worker whose attempt is over, or never was. */
const stale: Move = {
  name: 'stale claim and report',
  isPossible: () => false,
  model: () => undefined,
  decider: (decider) => {
    const open = openAttempt(decider.state);
    if (open?.step === 'DiskTransfer' && open.attempt === 1) return;
    const said = report('DiskTransfer', 1, 99, { outcome: completedBy('DiskTransfer') });
    decider.carryOut({ kind: 'claim', step: 'DiskTransfer', attempt: 1, worker: 'w9', at: noon });
    decider.carryOut({ kind: 'report', report: said, at: noon, random: 0.5 });
  },
};

const weighted = (weight: number, ...all: readonly Move[]): fc.Arbitrary<ModelCommand>[] =>
  Array.from({ length: weight }, () => all.map((move) => fc.constant(new ModelCommand(move)))).flat();
const histories = fc.commands(
  [
    // What moves a VM on comes more often than what stops it, or no history would get far.
    ...weighted(6, claim, complete),
    ...weighted(2, admit, due, lose),
    ...weighted(1, cancel, retry, abandon, stale, fail(connectionReset), fail(noRoot), fail(otherHost)),
    fc.nat(100).map((bytes) => new ModelCommand(checkpoint(bytes))),
  ],
  { maxCommands: 120, size: 'max' },
);
const SEED = Number(process.env['LEDGERLIFT_SIMULATION_SEED'] ?? 1);
/** Carries out a history on both, and then `afterwards` on the decider. */
const holds = (numRuns: number, afterwards: (model: ColdVmModel, decider: Decider) => void): void =>
  fc.assert(
    fc.property(histories, (commands) => {
      const setup = { model: new ColdVmModel(), real: new Decider() };
      fc.modelRun(() => setup, commands);
      afterwards(setup.model, setup.real);
    }),
    { numRuns, seed: SEED },
  );

describe('in every history of a VM', () => {
  it('the decider does what the model says, and breaks no law', () => holds(400, () => undefined));

  it('the events as the log keeps them lead to the decided state, event by event', () => {
    holds(200, (_, { events, state }) => {
      // As the log keeps them: JSON, in the schema of their type, which drops what it does not know.
      const stored = events.map(({ type, data }) => ({
        type,
        data: eventSchemas[type].data.parse(JSON.parse(JSON.stringify(data))),
      })) as readonly DomainEvent[];
      const folded = stored.reduce<VmState>((live, event) => evolveVm(live, event), undefined);
      expect(folded).toEqual(state);
    });
  });

  it('a resource is in the ledger before the step that makes it is requested', () => {
    holds(200, (_, { events }) => {
      const claimed = new Set<string>();
      for (const event of events) {
        if (event.type === 'ResourceClaimed') claimed.add(event.data.resource.name);
        if (event.type !== 'StepRequested') continue;
        const step = itinerary.find((each) => each.step === event.data.step);
        expect(step?.claims.every((resource) => claimed.has(resource.name)) ?? true).toBe(true);
      }
    });
  });

  it('whatever happened before, working workers bring the VM to an end', () => {
    holds(200, (model, decider) => {
      // Who has it by now, such as one that claimed it and is gone, is lost first.
      new ModelCommand(lose).run(model, decider);
      for (let round = 0; round < 15; round += 1)
        for (const move of [admit, due, claim, complete]) new ModelCommand(move).run(model, decider);
      expect(isTerminal(decider.state) || decider.state.phase === 'held').toBe(true);
    });
  });
});
