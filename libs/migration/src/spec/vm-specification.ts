import { alwaysPresent } from '../presence.js';
import type {
  DomainEvent,
  Release,
  StepError,
  StepName,
  StepOutcome,
  VmSettings,
} from '@ledgerlift/contracts';
import { expect } from '@jest/globals';
import type { VmCommand } from '../vm/commands.js';
import { decideVm } from '../vm/decide.js';
import { evolveVm } from '../vm/evolve.js';
import type { Windows } from '../vm/power-off.js';
import {
  isDecided,
  isTerminal,
  openAttempt,
  retryOf,
  type VmCleaning,
  type VmEnded,
  type VmLive,
  type VmState,
} from '../vm/state.js';
import {
  completedBy,
  failedWith,
  itinerary,
  noon,
  record,
  report,
  stoppedAsTold,
  warmItinerary,
} from './fixtures.js';

/** The history of one VM, step by step: `history().planned().admitted().completes('Initialize')`. */
export class History {
  private constructor(
    readonly state: VmState,
    readonly events: readonly DomainEvent[],
    readonly windows: Windows = [],
  ) {}

  static readonly empty = new History(undefined, []);

  /** Starts from any state, whatever history led to it. */
  static of(state: VmLive): History {
    return new History(state, []);
  }

  static from(events: readonly DomainEvent[]): History {
    return events.reduce((history: History, event) => history.with(event), History.empty);
  }

  after(command: VmCommand): History {
    const decided = decideVm(command, this.state, this.windows);
    return new History(
      decided.reduce((state: VmState, event) => evolveVm(state, event), this.state),
      [...this.events, ...decided],
      this.windows,
    );
  }

  /** From here on, the plan and the installation have these windows. */
  inWindows(windows: Windows): History {
    return new History(this.state, this.events, windows);
  }

  /** Appends any event, whatever would lead to it. */
  with(event: DomainEvent): History {
    return new History(evolveVm(this.state, event), [...this.events, event], this.windows);
  }

  get live(): VmLive {
    if (this.state === undefined) throw new Error('the VM is not planned');
    return this.state;
  }

  /** The state of a VM whose outcome is decided. */
  get decided(): VmCleaning | VmEnded {
    const { live } = this;
    if (!isDecided(live)) throw new Error(`the outcome is not decided: the VM is ${live.phase}`);
    return live;
  }

  get ended(): VmEnded {
    const { live } = this;
    if (!isTerminal(live)) throw new Error(`the VM has not ended: it is ${live.phase}`);
    return live;
  }

  /** The retry that waits for its due time. */
  get retry(): ReturnType<typeof retryOf> {
    return retryOf(this.live);
  }

  /** A warm VM that was on; `settings` on top of the defaults. */
  static warm(settings: Partial<VmSettings> = {}): History {
    return History.empty.after({
      kind: 'plan',
      record: { ...record, settings: { ...record.settings, type: 'warm', ...settings } },
      itinerary: warmItinerary,
    });
  }

  planned(retry: Partial<typeof record.settings.retry> = {}): History {
    const settings = { ...record.settings, retry: { ...record.settings.retry, ...retry } };
    return this.after({ kind: 'plan', record: { ...record, settings }, itinerary });
  }

  admitted(): History {
    return this.after({ kind: 'admit', at: noon });
  }

  /** `w1` claims the requested attempt. */
  claimed(worker = 'w1', at = noon): History {
    const { step, attempt } = this.#open();
    return this.after({ kind: 'claim', step, attempt, worker, at });
  }

  completes(...steps: readonly StepName[]): History {
    return steps.reduce<History>((history, step) => {
      const { attempt } = history.#open(step);
      const outcome =
        step === 'Initialize' ? initialized(history.live) : completedBy(step, history.live.round);
      return history.claimed().says(step, attempt, { outcome, released: history.#released() });
    }, this);
  }

  /** `w1` reports on the attempt that it claimed. */
  says(step: StepName, attempt: number, content: Parameters<typeof report>[3], at = noon): History {
    const number = (openAttempt(this.live)?.lastReport ?? 0) + 1;
    return this.after({ kind: 'report', report: report(step, attempt, number, content), at, random: 0 });
  }

  /** The worker of the attempt stops as told. */
  stops(at = noon): History {
    const { step, attempt } = this.#open();
    return this.says(step, attempt, { outcome: stoppedAsTold }, at);
  }

  wakes(at: Date): History {
    return this.after({ kind: 'wake', at, random: 0, presence: alwaysPresent });
  }

  fails(step: StepName, error: StepError): History {
    const { attempt } = this.#open(step);
    return this.claimed().after({
      kind: 'report',
      report: report(step, attempt, 1, { outcome: failedWith(error) }),
      at: noon,
      random: 0,
    });
  }

  retryDue(): History {
    return this.after({
      kind: 'wake',
      at: new Date(Date.parse(this.retry?.dueAt ?? '')),
      random: 0,
      presence: alwaysPresent,
    });
  }

  #open(step?: StepName): { readonly step: StepName; readonly attempt: number } {
    const open = openAttempt(this.live);
    if (open === undefined || (step !== undefined && open.step !== step)) {
      throw new Error(
        `expected a request for ${step ?? 'an attempt'}, but got ${open?.step ?? this.live.phase}`,
      );
    }
    return open;
  }

  #released(): Release[] {
    const open = openAttempt(this.live);
    const snapshots =
      open?.step === 'SnapshotRemoval'
        ? Object.values(this.live.ledger).filter(({ kind }) => kind === 'snapshot')
        : [];
    return [...(open?.release ?? []), ...snapshots].map((resource) => ({ resource, how: 'removed' }));
  }
}

/** A warm VM runs when its migration begins; a cold one is off already. */
const initialized = ({ record: { settings } }: VmLive): StepOutcome => ({
  kind: 'completed',
  result: { step: 'Initialize', powerState: settings.type === 'warm' ? 'on' : 'off', fingerprint: 'f1' },
});

export const started = History.empty.planned().admitted();

type Expected = DomainEvent['type'] | { readonly type: DomainEvent['type']; readonly data: object };

/** given(...events).when(command).then(...types or events); or given a history, for what takes many steps to reach */
export function given(...past: readonly [History] | readonly DomainEvent[]) {
  const [first] = past;
  const { state, windows } = first instanceof History ? first : History.from(past as readonly DomainEvent[]);
  return {
    when: (command: VmCommand) => ({
      then: (...expected: readonly Expected[]): void => {
        const decided = decideVm(command, state, windows);
        const types = expected.map((each) => ({ type: typeof each === 'string' ? each : each.type }));
        expect(decided.map(({ type }) => ({ type }))).toEqual(types);
        expected.forEach((each, index) => {
          if (typeof each !== 'string') expect(decided[index]?.data).toMatchObject(each.data);
        });
      },
      isRefused: (reason: RegExp): void => {
        expect(() => decideVm(command, state, windows)).toThrow(reason);
      },
    }),
    /** The state that the events lead to, after a command. */
    leadsTo: (expected: object, command?: VmCommand): void => {
      const decided = command === undefined ? [] : decideVm(command, state, windows);
      const after = decided.reduce((folded: VmState, event) => evolveVm(folded, event), state);
      expect(after).toMatchObject(expected);
    },
  };
}
