import { LedgerliftError } from '@ledgerlift/contracts';

/** A request field that does not match its schema. */
export class InvalidField extends LedgerliftError {
  readonly code = 'LL-API-001';
  constructor(place: string, field: string, reason: string) {
    super(
      `${place}${field === '' ? '' : ` ${field}`}: ${reason}; GET /api/v1/openapi.json says what is expected`,
      {
        field: field === '' ? place : field,
      },
    );
  }
}

/** The body is not JSON in UTF-8. */
export class MalformedJson extends LedgerliftError {
  readonly code = 'LL-API-002';
  constructor(reason: string) {
    super(`the body is not JSON (${reason}); send one JSON value in UTF-8`, { field: 'body' });
  }
}

/** The body is larger than any request needs. */
export class BodyTooLarge extends LedgerliftError {
  readonly code = 'LL-API-003';
  constructor(readonly limit: number) {
    super(`the body is larger than ${limit} bytes; split the plan, or send less`, { field: 'body' });
  }
}

/** No operation has this path. */
export class UnknownRoute extends LedgerliftError {
  readonly code = 'LL-API-004';
  constructor(method: string, path: string) {
    super(`there is nothing at ${method} ${path}; GET /api/v1/openapi.json lists every operation`);
  }
}

/** The path exists, but does not accept this method. */
export class WrongMethod extends LedgerliftError {
  readonly code = 'LL-API-005';
  constructor(
    method: string,
    path: string,
    readonly allowed: readonly string[],
  ) {
    super(`${path} does not answer ${method}; use ${allowed.join(' or ')}`);
  }
}

/** A POST without a valid key. The key keeps a repeated request from running twice. */
export class BadIdempotencyKey extends LedgerliftError {
  readonly code = 'LL-API-006';
  constructor(reason: string) {
    super(
      `the header Idempotency-Key ${reason}; send a new UUID for each new request, the same one on a repeat`,
      {
        field: 'Idempotency-Key',
      },
    );
  }
}

/** The key belongs to another request. */
export class IdempotencyKeyReused extends LedgerliftError {
  readonly code = 'LL-API-007';
  constructor(readonly key: string) {
    super(
      `the Idempotency-Key '${key}' was sent before with another request; make a new key for a new request`,
      {
        field: 'Idempotency-Key',
      },
    );
  }
}

/** The API does not accept this content type or encoding of the body. */
export class UnsupportedBody extends LedgerliftError {
  readonly code = 'LL-API-008';
  constructor(header: string, value: string) {
    super(
      `${header} '${value}' is not read here; send Content-Type: application/json without Content-Encoding`,
      {
        field: header,
      },
    );
  }
}

/** Node, Express or Nest rejected the request, or the client disconnected while the body was read. */
export class MalformedRequest extends LedgerliftError {
  readonly code = 'LL-API-009';
  constructor(
    reason: string,
    readonly status = 400,
  ) {
    super(`the request cannot be understood (${reason}); check its path and headers`);
  }
}

/** An internal error. The planner's log has the cause under this request id. */
export class InternalFault extends LedgerliftError {
  readonly code = 'LL-API-010';
  constructor(readonly requestId: string) {
    super(`the planner failed while it answered; its log says why, under request ${requestId}`);
  }
}

/** The request's host name is not the planner's: a foreign page may have led a browser here. */
export class ForeignHost extends LedgerliftError {
  readonly code = 'LL-API-011';
  constructor(host: string) {
    super(`the API does not answer to the host name '${host}'; use the address it listens on`, {
      field: 'Host',
    });
  }
}

/** HTTP status of each refusal. Any other code is a failure of the planner, or of a system that it depends on. */
const statusOfCode: Readonly<Record<string, number>> = {
  'LL-API-001': 400,
  'LL-API-002': 400,
  'LL-API-003': 413,
  'LL-API-004': 404,
  'LL-API-005': 405,
  'LL-API-006': 400,
  'LL-API-007': 422,
  'LL-API-008': 415,
  'LL-API-010': 500,
  'LL-API-011': 421,
  'LL-EXT-002': 422,
  'LL-EXT-003': 400,
  'LL-MIG-001': 409,
  'LL-MIG-012': 409,
  'LL-PLN-101': 404,
  'LL-PLN-102': 409,
  'LL-PLN-103': 409,
  'LL-PLN-104': 409,
  'LL-PLN-105': 409,
  'LL-PLN-106': 409,
  'LL-PLN-107': 409,
  'LL-PLN-108': 409,
  'LL-PLN-109': 404,
  'LL-PLN-110': 404,
  'LL-PLN-111': 409,
  'LL-PLN-112': 409,
  'LL-PLN-113': 409,
  'LL-PLN-114': 404,
  'LL-PLN-115': 503,
  'LL-PLN-116': 502,
  'LL-PLN-117': 404,
  'LL-PLN-123': 404,
  'LL-PLN-118': 404,
  'LL-PLN-121': 422,
  'LL-PLN-122': 422,
};

export function statusOf(error: LedgerliftError): number {
  if (error instanceof MalformedRequest) return error.status;
  return statusOfCode[error.code] ?? (error.failure === 'transient' ? 503 : 500);
}
