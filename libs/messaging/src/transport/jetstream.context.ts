import type { CloudEvent } from '@ledgerlift/contracts';
import type { JsMsg } from '@nats-io/jetstream';
import { BaseRpcContext } from '@nestjs/microservices';

/** What an `@EventPattern` handler gets as its payload: the envelope, its data parsed by the handler's schema. */
export interface Received<T> {
  readonly event: CloudEvent;
  readonly data: T;
}

/** `@Ctx()` of an `@EventPattern` handler. */
export class JetStreamContext extends BaseRpcContext<[JsMsg]> {
  get subject(): string {
    return this.args[0].subject;
  }

  /** Place of the message in its JetStream stream. */
  get sequence(): number {
    return this.args[0].seq;
  }

  /** 1 at the first delivery. */
  get deliveries(): number {
    return this.args[0].info.deliveryCount;
  }
}
