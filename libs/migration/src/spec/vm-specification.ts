import { alwaysPresent } from '../presence/presence.js';
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
import { openAttempt, type VmLive, type VmState } from '../vm/state.js';
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

/** The history of one VM, told in steps: `history().planned().admitted().completes('Initialize')`. */
export class History {
  private constructor(
    readonly state: VmState,
    readonly events: readonly DomainEvent[],
    readonly windows: Windows = [],
  ) {}

  static readonly empty = new History(undefined, []);

  /** From a state as it may be, whatever history led to it. */
  static of(state: VmLive): History {
    return new History(state, []);
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

  /** An event as it may stand in a log, whatever would lead to it. */
  with(event: DomainEvent): History {
    return new History(evolveVm(this.state, event), [...this.events, event], this.windows);
  }

  get live(): VmLive {
    if (this.state === undefined) throw new Error('the VM is not planned');
    return this.state;
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

  /** `w1` claims the attempt that is asked for. */
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

  /** What `w1` reports of the attempt that it has. */
  says(step: StepName, attempt: number, content: Parameters<typeof report>[3], at = noon): History {
    const number = (openAttempt(this.live)?.lastReport ?? 0) + 1;
    return this.after({ kind: 'report', report: report(step, attempt, number, content), at, random: 0 });
  }

  /** The worker that has the attempt does as it was told. */
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
      at: new Date(Date.parse(this.live.retryAt?.dueAt ?? '')),
      random: 0,
      presence: alwaysPresent,
    });
  }

  #open(step?: StepName): { readonly step: StepName; readonly attempt: number } {
    const open = openAttempt(this.live);
    if (open === undefined || (step !== undefined && open.step !== step)) {
      throw new Error(
        `expected ${step ?? 'an attempt'} to be asked for, but it is ${open?.step ?? this.live.phase}`,
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

/** given(history).when(command).then(...types or events) */
export const given = (history: History) => ({
  when: (command: VmCommand) => ({
    then: (
      ...expected: readonly (
        DomainEvent['type'] | { readonly type: DomainEvent['type']; readonly data: object }
      )[]
    ): void => {
      const decided = decideVm(command, history.state, history.windows);
      const types = expected.map((each) => (typeof each === 'string' ? { type: each } : { type: each.type }));
      expect(decided.map(({ type }) => ({ type }))).toEqual(types);
      expected.forEach((each, index) => {
        if (typeof each !== 'string') expect(decided[index]?.data).toMatchObject(each.data);
      });
    },
    isRefused: (reason: RegExp): void => {
      expect(() => decideVm(command, history.state, history.windows)).toThrow(reason);
    },
  }),
});
