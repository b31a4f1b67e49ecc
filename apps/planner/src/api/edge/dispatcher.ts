import { randomUUID } from 'node:crypto';
import {
  type Actor,
  type ApiInput,
  type ApiOperation,
  type ApiOperationName,
  apiOperations,
} from '@ledgerlift/contracts';
import { Turns } from '../../catalog/index.js';
import { IdempotencyKeyReused } from './errors.js';
import { type IdempotencyIndex, eventKey, parseKey, requestDigest } from './idempotency.js';
import type { ApiCall, ApiServices, OperationHandlers } from './operation-handler.js';
import { parseInput } from './parse.js';

/** A request as it came, over whichever way. Nothing of it has been looked at. */
export interface RawRequest {
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
  readonly idempotencyKey: string | undefined;
  readonly traceparent: string | undefined;
  readonly actor: Actor;
}

export interface Answer {
  readonly status: number;
  readonly out: unknown;
  /** The request had been carried out before. */
  readonly isRepeated: boolean;
}

const TRACEPARENT = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/**
 * The one way to every operation, for REST and NATS: parses what came, sees to it that a repeated POST is not done
 * twice, and calls the handler.
 */
export class ApiDispatcher {
  readonly #turns = new Turns();

  constructor(
    private readonly services: ApiServices,
    private readonly handlers: OperationHandlers,
    private readonly idempotency: IdempotencyIndex,
  ) {}

  /** @throws InvalidField, BadIdempotencyKey, IdempotencyKeyReused, and what the operation refuses with */
  async dispatch<N extends ApiOperationName>(name: N, request: RawRequest): Promise<Answer> {
    const operation: ApiOperation = apiOperations[name];
    // Parsed by the operation's own schemas, which is what ApiInput is inferred from.
    const input = {
      params: parseInput(operation.params, request.params, 'path'),
      query: parseInput(operation.query, request.query, 'query'),
      body: operation.body && parseInput(operation.body, request.body ?? {}, 'body'),
    } as ApiInput<N>;
    if (operation.method !== 'POST') return this.#run(name, input, newCall(request));
    const key = parseKey(request.idempotencyKey);
    const digest = requestDigest(name, input.params, input.query, input.body);
    // A repeat that comes while the first is still under way waits for it.
    return this.#turns.take(key, async () => {
      const before = this.idempotency.of(key);
      if (before !== undefined && before.digest !== digest) throw new IdempotencyKeyReused(key);
      const answer = await this.#run(name, input, {
        ...newCall(request, eventKey(key, digest)),
        isRepeated: before !== undefined,
        didBefore: (stream) => before?.streams.has(stream) ?? false,
        createdBefore: (category) => idIn(before?.streams, category),
        did: (stream) => this.idempotency.remember(key, digest, stream),
      });
      this.idempotency.remember(key, digest);
      return answer;
    });
  }

  async #run<N extends ApiOperationName>(name: N, input: ApiInput<N>, call: ApiCall): Promise<Answer> {
    const out = await this.handlers[name](this.services, input, call);
    return { status: apiOperations[name].status, out, isRepeated: call.isRepeated };
  }
}

function newCall({ actor, traceparent }: RawRequest, idempotencyKey?: string): ApiCall {
  const requestId = randomUUID();
  return {
    context: {
      actor,
      causationId: requestId,
      correlationId: requestId,
      ...(traceparent !== undefined && TRACEPARENT.test(traceparent) ? { traceparent } : {}),
      ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    },
    isRepeated: false,
    didBefore: () => false,
    createdBefore: () => undefined,
    did: () => undefined,
  };
}

function idIn(streams: ReadonlySet<string> | undefined, category: string): string | undefined {
  for (const stream of streams ?? []) {
    if (stream.startsWith(`${category}-`)) return stream.slice(category.length + 1);
  }
  return undefined;
}
