import { types } from 'node:util';
import { type ArgumentsHost, Catch, type ExceptionFilter } from '@nestjs/common';
import type { Request, Response } from 'express';
import { errorAnswer } from './error-answer.js';

export interface FaultLog {
  error(context: object, message: string): void;
}

/** Every error leaves as `{error: {code, message, field?}}`; what is our own fault is told to the log alone. */
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
    // A body that was not read to its end would be taken for the next request.
    if (!request.readableEnded) response.setHeader('Connection', 'close');
    response.status(status).json(body);
  }
}
