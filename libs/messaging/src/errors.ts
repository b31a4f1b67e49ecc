import { type ErrorReply, type FailureClass, LedgerliftError } from '@ledgerlift/contracts';

/** A message that nobody will ever understand, whatever is done with it: it belongs in DEAD. */
export class PoisonMessage extends LedgerliftError {
  constructor(
    readonly code: 'LL-BUS-001' | 'LL-BUS-002' | 'LL-BUS-003' | 'LL-BUS-004' | 'LL-BUS-015',
    message: string,
    field?: string,
  ) {
    super(message, field === undefined ? undefined : { field });
  }
}

/** The bus did not take an event. Publish again from the event after `confirmed`. */
export class PublishFailed extends LedgerliftError {
  readonly code = 'LL-BUS-005';
  override readonly failure: FailureClass = 'transient';

  constructor(
    readonly eventId: string,
    /** Position of the last event that the bus confirmed with none missing before it; undefined: none of this call. */
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

/** No way to send this until the server's limit is raised: asking again would not help. */
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

/** Nobody answered in time, through reconnects and retries; the request may have been carried out. */
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

/** What answered does not speak our language: the two sides are of different versions. */
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
 * The other side failed with a coded error, which is passed on as it came. Transient where it ends a step: what
 * the planner refuses for good it says in its answer, not by an error.
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

/** A request whose body the service does not take. */
export class BadRequest extends LedgerliftError {
  readonly code = 'LL-BUS-009';

  constructor(subject: string, reason: string, field?: string) {
    super(`the request on ${subject} is not valid: ${reason}`, field === undefined ? undefined : { field });
  }
}

/** A message about another VM than its subject names: who sent it may be allowed that subject only. */
export class SubjectMismatch extends LedgerliftError {
  readonly code = 'LL-BUS-015';

  constructor(
    readonly subject: string,
    readonly about: string,
  ) {
    super(`the message on ${subject} is about ${about}, which has a subject of its own; send it there`);
  }
}

/** There is no such dead letter (any more). */
export class DeadLetterNotFound extends LedgerliftError {
  readonly code = 'LL-BUS-011';

  constructor(readonly sequence: number) {
    super(`no dead letter has the number ${sequence}; list them to see which there are`);
  }
}

/** A handler that names a consumer which nobody declared: a fault of the program, seen at start. */
export class UnknownConsumer extends LedgerliftError {
  readonly code = 'LL-BUS-012';

  constructor(pattern: string, known: readonly string[]) {
    super(
      `a handler names the consumer '${pattern}', which was not given to the server; it knows: ${known.join(', ')}`,
    );
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

const isCode = (code: string): code is `LL-${string}` => code.startsWith('LL-');
