import { type Presence, type VmCommand, type VmState, wakeAt } from '@ledgerlift/migration';
import { DueTimers } from './due-timers.js';

/** Wakes VMs when something is due by the clock. Limits count only the time in which a planner led. */
export class VmTimers {
  readonly #timers: DueTimers;

  constructor(
    private readonly presence: () => Presence,
    wake: (stream: string, command: VmCommand) => void,
  ) {
    this.#timers = new DueTimers((stream) =>
      wake(stream, { kind: 'wake', at: new Date(), random: Math.random(), presence: presence() }),
    );
  }

  /** To be called after each change of the VM, and when the planner has returned after an absence. */
  set(stream: string, state: VmState): void {
    if (state !== undefined) this.#timers.set(stream, wakeAt(state, this.presence()));
  }

  stop(): void {
    this.#timers.stop();
  }
}
