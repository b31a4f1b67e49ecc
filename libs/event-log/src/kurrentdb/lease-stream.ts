import type { LeaseStore } from '../lease.js';
import { patiently } from '../patience.js';
import { type Check, CheckFailed, type Recorded, type Server } from './server.js';

/**
 * The lease in two streams: one gets an event from each owner, the other the owner's signs of life. Everybody times them by a clock of
 * their own, so no clock of another machine counts: whoever waits takes over when it has seen no sign for as long as the owner said.
 */
export class LeaseStream implements LeaseStore {
  #seen = { signs: '', at: 0 };

  constructor(private readonly server: Server) {}

  async take(leaseMs: number): Promise<string | undefined> {
    const { epochStream, leaseStream } = this.server.place;
    const startedAt = performance.now();
    // The epoch first: a sign of a later owner must not count for an earlier one.
    const epoch = await this.server.last(epochStream);
    const sign = await this.server.last(leaseStream);
    if (epoch !== undefined && !this.#isOver(epoch, sign, startedAt, leaseMs)) return undefined;
    const record = { stream: epochStream, type: 'LogTakenOver', data: JSON.stringify({ leaseMs }) };
    try {
      const revision = await this.server.append([record], [{ stream: epochStream, last: epoch?.revision }]);
      return String(revision);
    } catch (error) {
      // Another one took it, or perhaps this one did, and the answer was lost: the lease then ends by itself.
      if (error instanceof CheckFailed || this.server.isAway(error)) return undefined;
      throw error;
    }
  }

  async renew(epoch: string): Promise<boolean> {
    return this.#sign({ epoch });
  }

  async release(epoch: string): Promise<void> {
    await this.#sign({ epoch, isReleased: true });
  }

  /** Another process that took over has written to the epoch stream. */
  checkOf(epoch: string): Check {
    return { stream: this.server.place.epochStream, last: BigInt(epoch) };
  }

  async #sign(sign: { readonly epoch: string; readonly isReleased?: boolean }): Promise<boolean> {
    const record = {
      stream: this.server.place.leaseStream,
      type: 'LogOwned',
      data: JSON.stringify(sign),
    };
    try {
      await patiently(this.server, () => this.server.append([record], [this.checkOf(sign.epoch)]));
      return true;
    } catch (error) {
      if (error instanceof CheckFailed) return false;
      throw error;
    }
  }

  #isOver(epoch: Recorded, sign: Recorded | undefined, startedAt: number, leaseMs: number): boolean {
    const said = parsed(sign);
    if (said['epoch'] === String(epoch.revision) && said['isReleased'] === true) return true;
    const signs = `${epoch.revision} ${sign?.revision}`;
    if (signs !== this.#seen.signs) this.#seen = { signs, at: performance.now() };
    return startedAt - this.#seen.at > Number(parsed(epoch)['leaseMs'] ?? leaseMs);
  }
}

function parsed(event: Recorded | undefined): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(Buffer.from(event?.data as Uint8Array).toString()) as Record<string, unknown>;
  } catch {
    return {};
  }
}
