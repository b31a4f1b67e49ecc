import type { Msg } from '@nats-io/nats-core';
import { BaseRpcContext } from '@nestjs/microservices';

/** `@Ctx()` of a `@MessagePattern` handler. */
export class RequestContext extends BaseRpcContext<[Msg]> {
  get subject(): string {
    return this.args[0].subject;
  }

  /** A header of the request, such as `traceparent`. */
  header(name: string): string | undefined {
    return this.args[0].headers?.get(name) || undefined;
  }
}
