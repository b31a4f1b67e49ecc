import { randomUUID } from 'node:crypto';
import { types } from 'node:util';
import { API_BASE, apiOperations, type ErrorDetails, LedgerliftError } from '@ledgerlift/contracts';
import { reasonOf } from '@ledgerlift/planning';
import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common';
import type { Request, Response } from 'express';
import { InternalFault, MalformedRequest, statusOf, UnknownRoute, WrongMethod } from '../edge/errors.js';

export interface ErrorAnswer {
  readonly status: number;
  readonly body: { readonly error: ErrorDetails };
  readonly allow?: string;
  /** The cause of an internal error, for the planner's log. */
  readonly fault?: { readonly requestId: string; readonly cause: unknown };
}

/** Returns the answer for anything that the planner, Nest, Express or Node has thrown. */
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

/** Returns the `status` field that errors of Express and its middleware have. */
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

export interface FaultLog {
  error(context: object, message: string): void;
}

/** Sends every error as `{error: {code, message, field?}}`. Only the log gets the cause of an internal error. */
@Catch()
export class ApiErrorFilter implements ExceptionFilter {
  constructor(private readonly log: FaultLog) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<Request>();
    const response = host.switchToHttp().getResponse<Response>();
    const { status, body, allow, fault } = errorAnswer(error, request.method, request.path);
    if (fault !== undefined) {
      const { requestId, cause } = fault;
      const stack = types.isNativeError(cause) ? cause.stack : String(cause);
      this.log.error({ requestId, method: request.method, path: request.path, stack }, 'a request failed');
    }
    if (response.headersSent) {
      response.destroy();
      return;
    }
    if (allow !== undefined) response.setHeader('Allow', allow);
    // Otherwise the unread rest of the body would be parsed as the next request.
    if (!request.readableEnded) response.setHeader('Connection', 'close');
    response.status(status).json(body);
  }
}
