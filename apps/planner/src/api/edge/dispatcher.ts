import { randomUUID } from 'node:crypto';
import {
  type Actor,
  type ApiInput,
  type ApiOperation,
  type ApiOperationName,
  apiOperations,
  type ApiOutput,
} from '@ledgerlift/contracts';
import type { CatalogProjection, InventoryService, Rehearser } from '@ledgerlift/planning';
import type { CatalogCommands } from '../../catalog/index.js';
import type { CommandContext } from '../../log/event-writer.js';
import { KeyedMutex } from '../../log/decided-streams.js';
import type { RunService } from '../../runs/run-service.js';
import type { PlanManifests } from '../plan-manifests.js';
import type { PlanRuns } from '../plan-runs.js';
import type { PlanVms } from '../plan-vms.js';
import { IdempotencyKeyReused } from './errors.js';
import { eventKey, type IdempotencyIndex, parseKey, requestDigest } from './idempotency.js';
import { parseInput } from './parse.js';

/** Services for the handlers. */
export interface ApiServices {
  readonly catalog: CatalogProjection;
  readonly commands: CatalogCommands;
  readonly inventory: InventoryService;
  readonly plans: PlanRuns;
  readonly planVms: PlanVms;
  readonly manifests: PlanManifests;
  readonly rehearser: Rehearser;
  readonly runs: RunService;
  readonly now: () => Date;
}

/** Everything about one request except its input. */
export interface ApiCall {
  readonly context: CommandContext;
  /** The request repeats an earlier one: the handler completes anything missing and answers with the same resource. */
  readonly isRepeated: boolean;
  /** Whether an earlier request with the same key left an event in the stream. */
  didBefore(stream: string): boolean;
  /** Id of the entity that an earlier request with the same key created or changed. */
  createdBefore(category: 'provider' | 'mapping' | 'plan' | 'migration'): string | undefined;
  /** Call it as soon as the request has left an event in the stream. */
  did(stream: string): void;
}

export type OperationHandler<N extends ApiOperationName> = (
  services: ApiServices,
  input: ApiInput<N>,
  call: ApiCall,
) => Promise<ApiOutput<N>> | ApiOutput<N>;

export type OperationHandlers<N extends ApiOperationName = ApiOperationName> = {
  readonly [K in N]: OperationHandler<K>;
};
/** The handlers of one resource, such as `plans`. */
export type HandlersOf<R extends string> = OperationHandlers<Extract<ApiOperationName, `${R}.${string}`>>;

/** Unvalidated request from REST or NATS. */
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
  /** The request repeats an earlier one. */
  readonly isRepeated: boolean;
}

const TRACEPARENT = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/**
 * Runs every API operation, for REST and NATS alike: validates the request, recognizes a repeated POST by its key, and calls
 * the operation's handler.
 */
export class ApiDispatcher {
  readonly #queues = new KeyedMutex();

  constructor(
    private readonly services: ApiServices,
    private readonly handlers: OperationHandlers,
    private readonly idempotency: IdempotencyIndex,
  ) {}

  /** @throws InvalidField, BadIdempotencyKey, IdempotencyKeyReused, and the operation's own errors */
  async dispatch<N extends ApiOperationName>(name: N, request: RawRequest): Promise<Answer> {
    const operation: ApiOperation = apiOperations[name];
    // Parsed by the operation's own schemas, from which ApiInput is inferred.
    const input = {
      params: parseInput(operation.params, request.params, 'path'),
      query: parseInput(operation.query, request.query, 'query'),
      body: operation.body && parseInput(operation.body, request.body ?? {}, 'body'),
    } as ApiInput<N>;
    if (operation.method !== 'POST') return this.#run(name, input, newCall(request));
    const key = parseKey(request.idempotencyKey);
    const digest = requestDigest(name, input.params, input.query, input.body);
    // A repeat waits until the first request has finished.
    return this.#queues.run(key, async () => {
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
