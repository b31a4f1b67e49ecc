import type { SourceVm } from '@ledgerlift/contracts';
import type { VsphereSession } from './session.js';

/**
 * Turns at a datastore: so many of its disks, and no more, are consolidated at a time by this process. To remove a
 * snapshot writes what was written since into the disks, and slows down all that lies on the datastore.
 */
export class Turns {
  readonly #limit: number;
  #used = 0;
  readonly #queue: { readonly amount: number; readonly go: () => void }[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /**
   * Waits for its turn; first come, first served, so that a VM with many disks is not passed for ever.
   *
   * @returns what gives the turn back
   * @throws the signal's reason once it is aborted
   */
  async take(disks: number, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    // One with more disks than the limit goes alone.
    const amount = Math.min(disks, this.#limit);
    if (this.#queue.length > 0 || this.#used + amount > this.#limit) await this.#wait(amount, signal);
    else this.#used += amount;
    return () => {
      this.#used -= amount;
      this.#next();
    };
  }

  #wait(amount: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiting = {
        amount,
        go: () => {
          signal.removeEventListener('abort', leave);
          resolve();
        },
      };
      const leave = (): void => {
        this.#queue.splice(this.#queue.indexOf(waiting), 1);
        reject(signal.reason as Error);
        this.#next();
      };
      signal.addEventListener('abort', leave, { once: true });
      this.#queue.push(waiting);
    });
  }

  #next(): void {
    for (let first = this.#queue[0]; first !== undefined; first = this.#queue[0]) {
      if (this.#used + first.amount > this.#limit) return;
      this.#queue.shift();
      this.#used += first.amount;
      first.go();
    }
  }
}

const turns = new WeakMap<VsphereSession, Map<string, Turns>>();

/** Does the work when there is room for it on each datastore of the VM. */
export async function inTurn<T>(
  session: VsphereSession,
  { disks }: SourceVm,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  const ofSession = turns.get(session) ?? new Map<string, Turns>();
  turns.set(session, ofSession);
  const groups = [...Map.groupBy(disks, ({ storage }) => storage)].toSorted(([one], [other]) =>
    one < other ? -1 : 1,
  );
  const taken: (() => void)[] = [];
  try {
    // In one order everywhere: two that wait for each other would wait for ever.
    for (const [storage, each] of groups) {
      const ofStorage = ofSession.get(storage) ?? new Turns(session.settings.snapshotRemovalsPerDatastore);
      ofSession.set(storage, ofStorage);
      taken.push(await ofStorage.take(each.length, signal));
    }
    return await work();
  } finally {
    for (const giveBack of taken) giveBack();
  }
}
