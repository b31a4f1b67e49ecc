import { randomUUID } from 'node:crypto';
import { API_BASE, type ErrorDetails, LedgerliftError, apiOperations } from '@ledgerlift/contracts';
import { HttpException } from '@nestjs/common';
import { reasonOf } from '../../inventory/index.js';
import { InternalFault, MalformedRequest, UnknownRoute, WrongMethod } from '../edge/errors.js';
import { statusOf } from '../edge/status.js';

export interface ErrorAnswer {
  readonly status: number;
  readonly body: { readonly error: ErrorDetails };
  readonly allow?: string;
  /** What happened in truth, for the planner's log; only where it is our fault. */
  readonly fault?: { readonly requestId: string; readonly cause: unknown };
}

/** What is answered for anything that was thrown, by us, by Nest or by what lies below. */
export function errorAnswer(error: unknown, method: string, path: string): ErrorAnswer {
  const known = asLedgerliftError(error, method, path);
  if (known !== undefined) {
    const body = { error: known.details() };
    const status = statusOf(known);
    const allow = known instanceof WrongMethod ? { allow: known.allowed.join(', ') } : {};
    return { status, body, ...allow };
  }
  const requestId = randomUUID();
  return {
    status: 500,
    body: { error: new InternalFault(requestId).details() },
    fault: { requestId, cause: error },
  };
}

function asLedgerliftError(error: unknown, method: string, path: string): LedgerliftError | undefined {
  if (error instanceof LedgerliftError) return error;
  const status = error instanceof HttpException ? error.getStatus() : statusField(error);
  if (status === 404) return noRoute(method, path);
  if (status !== undefined && status >= 400 && status < 500)
    return new MalformedRequest(reasonOf(error), status);
  return undefined;
}

/** Errors of Express and of Node's HTTP carry a status of their own. */
function statusField(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('status' in error)) return undefined;
  return typeof error.status === 'number' ? error.status : undefined;
}

function noRoute(method: string, path: string): UnknownRoute | WrongMethod {
  const allowed = Object.values(apiOperations)
    .filter((operation) => routePattern(operation.path).test(path))
    .map((operation) => operation.method);
  return allowed.length > 0
    ? new WrongMethod(method, path, [...new Set(allowed)])
    : new UnknownRoute(method, path.slice(0, 200));
}

const routePattern = (path: string): RegExp =>
  new RegExp(`^${API_BASE}${path.replaceAll(/:\w+/g, '[^/]+')}/?$`);
