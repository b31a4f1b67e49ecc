import { type ErrorReply, type FailureClass, LedgerliftError } from '@ledgerlift/contracts';

/** No version can handle this message, so it goes to DEAD. */
export class PoisonMessage extends LedgerliftError {
  constructor(
    readonly code: 'LL-BUS-001' | 'LL-BUS-002' | 'LL-BUS-003' | 'LL-BUS-004' | 'LL-BUS-015',
    message: string,
    field?: string,
  ) {
    super(message, field === undefined ? undefined : { field });
  }
}

/** The bus did not accept an event. Publish again from the event after `confirmed`. */
export class PublishFailed extends LedgerliftError {
  readonly code = 'LL-BUS-005';
  override readonly failure: FailureClass = 'transient';

  constructor(
    readonly eventId: string,
    /** Position of the last event confirmed without a gap; undefined if none of this call was. */
    readonly confirmed: string | undefined,
    cause: unknown,
  ) {
    super(
      `NATS did not confirm event ${eventId} (${messageOf(cause)}); see that it runs with JetStream and that its ` +
        `streams exist, then publish again from the event after ${confirmed ?? 'the last confirmed one'}`,
      { cause },
    );
  }
}

/** EVENTS has lost messages that it had confirmed. The relay publishes them again. */
export class EventsLost extends LedgerliftError {
  readonly code = 'LL-BUS-017';
  override readonly failure: FailureClass = 'transient';

  constructor(sequence: number, confirmed: number) {
    super(
      `NATS gave a new event the sequence number ${sequence}, although it had confirmed events up to ${confirmed}; it lost ` +
        'some, which will be published again. Replace one server of a cluster at a time',
    );
  }
}

/** NATS has too few servers to keep a stream on as many as were asked for. */
export class TooFewServers extends LedgerliftError {
  readonly code = 'LL-BUS-016';
  override readonly failure = 'needs-operator';

  constructor(stream: string, replicas: number, cause: unknown) {
    super(
      `NATS cannot keep the stream ${stream} on ${replicas} servers (${messageOf(cause)}); start a cluster of at ` +
        `least ${replicas} servers with JetStream, or set LEDGERLIFT_NATS_REPLICAS to at most the number there is`,
      { cause },
    );
  }
}

/** The message exceeds the server's limit. A retry does not help until the limit is raised. */
export class MessageTooLarge extends LedgerliftError {
  readonly code = 'LL-BUS-006';
  override readonly failure = 'needs-operator';

  constructor(
    readonly what: string,
    readonly size: number,
    readonly limit: number,
  ) {
    super(
      `${what} has ${size} bytes and the NATS server takes ${limit}; raise max_payload in the server's configuration`,
    );
  }
}

/** No answer in time, despite reconnects and retries. The request may have been carried out. */
export class RequestTimedOut extends LedgerliftError {
  readonly code = 'LL-BUS-007';
  override readonly failure: FailureClass = 'transient';

  constructor(
    readonly subject: string,
    readonly timeoutMs: number,
    cause: unknown,
  ) {
    super(
      `nobody answered on ${subject} within ${timeoutMs} ms (${messageOf(cause)}); see that the planner runs and ` +
        'reaches the same NATS',
      { cause },
    );
  }
}

/** The answer has an unknown form: the two sides run different versions. */
export class BadAnswer extends LedgerliftError {
  readonly code = 'LL-BUS-008';

  constructor(
    readonly subject: string,
    reason: string,
    field?: string,
  ) {
    super(
      `the answer on ${subject} is not what this version expects (${reason}); run the same version of all services`,
      field === undefined ? undefined : { field },
    );
  }
}

/**
 * The other side failed with a coded error, which is passed on unchanged. Transient if it ends a step, because the planner
 * refuses for good by an answer, not by an error.
 */
export class RemoteError extends LedgerliftError {
  override readonly failure: FailureClass = 'transient';
  readonly code: `LL-${string}`;

  constructor(
    readonly subject: string,
    error: ErrorReply['error'],
  ) {
    super(error.message, error.field === undefined ? undefined : { field: error.field });
    this.code = isCode(error.code) ? error.code : 'LL-BUS-010';
  }
}

/** The body of a request is not valid. */
export class BadRequest extends LedgerliftError {
  readonly code = 'LL-BUS-009';

  constructor(subject: string, reason: string, field?: string) {
    super(`the request on ${subject} is not valid: ${reason}`, field === undefined ? undefined : { field });
  }
}

/** A message is about another VM than its subject names; the sender may be allowed that subject only. */
export class SubjectMismatch extends LedgerliftError {
  readonly code = 'LL-BUS-015';

  constructor(
    readonly subject: string,
    readonly about: string,
  ) {
    super(`the message on ${subject} is about ${about}, which has a subject of its own; send it there`);
  }
}

/** The dead letter does not exist, or no longer. */
export class DeadLetterNotFound extends LedgerliftError {
  readonly code = 'LL-BUS-011';

  constructor(readonly sequence: number) {
    super(`no dead letter has the number ${sequence}; list them to see which there are`);
  }
}

/** A handler names an undeclared consumer: a bug, found at the start. */
export class UnknownConsumer extends LedgerliftError {
  readonly code = 'LL-BUS-012';

  constructor(pattern: string, known: readonly string[]) {
    super(
      `a handler refers to the consumer '${pattern}', but only these are configured: ${known.join(', ')}`,
    );
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

const isCode = (code: string): code is `LL-${string}` => code.startsWith('LL-');
