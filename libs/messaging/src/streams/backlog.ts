import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import type { ConsumerSpec } from './topology.js';

/**
 * What waited on the bus for a consumer at one moment, and whether it has been handled since. After an outage the planner
 * asks this before it gives up waiting for anybody: the answer may be among the messages that are still to be read.
 */
export class Backlog {
  #target: number | undefined;
  #deliveredAt: number | undefined;

  /** @param now a clock that does not jump, in milliseconds */
  constructor(
    private readonly nc: NatsConnection,
    private readonly spec: ConsumerSpec,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** From the next question on the backlog is what waits then. */
  restart(): void {
    this.#target = undefined;
    this.#deliveredAt = undefined;
  }

  /**
   * @returns whether all that waited at the first question since `restart` is handled
   * @throws what JetStream answers, such as a missing stream or consumer, or no answer at all
   */
  async isTaken(): Promise<boolean> {
    const jsm = await jetstreamManager(this.nc, { checkAPI: false });
    this.#target ??= await lastSequence(jsm, this.spec.stream);
    const { ack_floor, delivered } = await jsm.consumers.info(this.spec.stream, this.spec.durable);
    if (ack_floor.stream_seq >= this.#target) return true;
    if (delivered.stream_seq < this.#target) return false;
    // A message of a version that only a newer program reads stays without an ack: it must not be waited for for ever.
    // Others that were delivered to a process that is gone come back once, after the time for their ack.
    this.#deliveredAt ??= this.now();
    return this.now() - this.#deliveredAt >= 2 * this.spec.ackWaitMs;
  }
}

async function lastSequence(jsm: JetStreamManager, stream: string): Promise<number> {
  return (await jsm.streams.info(stream)).state.last_seq;
}
