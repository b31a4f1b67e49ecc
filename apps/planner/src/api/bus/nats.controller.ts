import { ApiNatsRequest, type ApiOperationName, apiOperations, subjects } from '@ledgerlift/contracts';
import type { RequestContext } from '@ledgerlift/messaging';
import { Controller, Inject, type Type } from '@nestjs/common';
import { Ctx, MessagePattern, Payload } from '@nestjs/microservices';
import { ApiDispatcher } from '../edge/dispatcher.js';
import { BUS_USER, parseInput } from '../edge/parse.js';

/** Subject of an operation, such as `ledgerlift.api.plans.start` for `plans.start`. */
export function apiSubject(name: string): string {
  const [resource = '', verb = ''] = name.split('.');
  return subjects.api(resource, verb);
}

/** A Nest controller that answers each operation of the table over NATS request/reply. */
export function natsController(): Type {
  class NatsController {
    constructor(readonly dispatcher: ApiDispatcher) {}
  }
  Inject(ApiDispatcher)(NatsController, undefined, 0);
  for (const name of Object.keys(apiOperations) as ApiOperationName[]) {
    const descriptor: PropertyDescriptor = {
      value(this: NatsController, payload: unknown, context: RequestContext): Promise<unknown> {
        return answer(this.dispatcher, name, payload, context.header('traceparent'));
      },
    };
    const { prototype } = NatsController;
    Object.defineProperty(prototype, name, descriptor);
    Payload()(prototype, name, 0);
    Ctx()(prototype, name, 1);
    MessagePattern(apiSubject(name))(prototype, name, descriptor);
  }
  Controller()(NatsController);
  return NatsController;
}

async function answer(
  dispatcher: ApiDispatcher,
  name: ApiOperationName,
  payload: unknown,
  traceparent: string | undefined,
): Promise<unknown> {
  const { params, query, body, idempotencyKey } = parseInput(ApiNatsRequest, payload ?? {}, 'request');
  const { out } = await dispatcher.dispatch(name, {
    params,
    query,
    body,
    idempotencyKey,
    traceparent,
    actor: BUS_USER,
  });
  return out;
}
