import type { DomainEvent, Release, StepError, StepName } from '@ledgerlift/contracts';
import { expect } from '@jest/globals';
import type { VmCommand } from '../vm/commands.js';
import { decideVm } from '../vm/decide.js';
import { evolveVm } from '../vm/evolve.js';
import { openAttempt, type VmLive, type VmState } from '../vm/state.js';
import { completedBy, failedWith, itinerary, noon, record, report } from './fixtures.js';

/** The history of one VM, told in steps: `history().planned().admitted().completes('Initialize')`. */
export class History {
  private constructor(
    readonly state: VmState,
    readonly events: readonly DomainEvent[],
  ) {}

  static readonly empty = new History(undefined, []);

  after(command: VmCommand): History {
    const decided = decideVm(command, this.state);
    return new History(
      decided.reduce((state: VmState, event) => evolveVm(state, event), this.state),
      [...this.events, ...decided],
    );
  }

  get live(): VmLive {
    if (this.state === undefined) throw new Error('the VM is not planned');
    return this.state;
  }

  planned(retry: Partial<typeof record.settings.retry> = {}): History {
    const settings = { ...record.settings, retry: { ...record.settings.retry, ...retry } };
    return this.after({ kind: 'plan', record: { ...record, settings }, itinerary });
  }

  admitted(): History {
    return this.after({ kind: 'admit' });
  }

  /** `w1` claims the attempt that is asked for. */
  claimed(worker = 'w1'): History {
    const { step, attempt } = this.#open();
    return this.after({ kind: 'claim', step, attempt, worker });
  }

  completes(...steps: readonly StepName[]): History {
    return steps.reduce<History>((history, step) => {
      const { attempt } = history.#open(step);
      const content = { outcome: completedBy(step), released: history.#released() };
      return history
        .claimed()
        .after({ kind: 'report', report: report(step, attempt, 1, content), at: noon, random: 0 });
    }, this);
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
    return this.after({ kind: 'retry-due', at: new Date(Date.parse(this.live.retryAt?.dueAt ?? '')) });
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
    return (openAttempt(this.live)?.release ?? []).map((resource) => ({ resource, how: 'removed' }));
  }
}

export const started = History.empty.planned().admitted();

/** given(history).when(command).then(...types or events) */
export const given = (history: History) => ({
  when: (command: VmCommand) => ({
    then: (
      ...expected: readonly (
        DomainEvent['type'] | { readonly type: DomainEvent['type']; readonly data: object }
      )[]
    ): void => {
      const decided = decideVm(command, history.state);
      const types = expected.map((each) => (typeof each === 'string' ? { type: each } : { type: each.type }));
      expect(decided.map(({ type }) => ({ type }))).toEqual(types);
      expected.forEach((each, index) => {
        if (typeof each !== 'string') expect(decided[index]?.data).toMatchObject(each.data);
      });
    },
    isRefused: (reason: RegExp): void => {
      expect(() => decideVm(command, history.state)).toThrow(reason);
    },
  }),
});
