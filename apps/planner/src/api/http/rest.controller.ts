import {
  API_BASE,
  type ApiOperation,
  type ApiOperationName,
  type LogText,
  apiOperations,
} from '@ledgerlift/contracts';
import { Controller, Delete, Get, Inject, Post, Put, Req, Res, type Type } from '@nestjs/common';
import type { Request, Response } from 'express';
import { ApiDispatcher } from '../edge/dispatcher.js';
import { InvalidField } from '../edge/errors.js';
import { loopbackUser } from '../edge/actor.js';
import { readJsonBody } from './body.js';

const routes = { GET: Get, POST: Post, PUT: Put, DELETE: Delete } as const;

/** A Nest controller with one route for each operation of the table. */
export function restController(): Type {
  class RestController {
    constructor(readonly dispatcher: ApiDispatcher) {}
  }
  Inject(ApiDispatcher)(RestController, undefined, 0);
  for (const [name, operation] of Object.entries(apiOperations) as [ApiOperationName, ApiOperation][]) {
    const descriptor: PropertyDescriptor = {
      value(this: RestController, request: Request, response: Response): Promise<void> {
        return answer(this.dispatcher, name, request, response);
      },
    };
    const { prototype } = RestController;
    Object.defineProperty(prototype, name, descriptor);
    Req()(prototype, name, 0);
    Res()(prototype, name, 1);
    routes[operation.method](operation.path)(prototype, name, descriptor);
  }
  Controller(API_BASE)(RestController);
  return RestController;
}

async function answer(
  dispatcher: ApiDispatcher,
  name: ApiOperationName,
  request: Request,
  response: Response,
): Promise<void> {
  const operation: ApiOperation = apiOperations[name];
  const { status, out, isRepeated } = await dispatcher.dispatch(name, {
    params: { ...request.params },
    query: queryOf(request),
    body: operation.body === undefined ? undefined : await readJsonBody(request),
    idempotencyKey: request.get('idempotency-key'),
    traceparent: request.get('traceparent'),
    actor: loopbackUser(request.get('ledgerlift-user')),
  });
  response.status(status).setHeader('Cache-Control', 'no-store');
  if (isRepeated) response.setHeader('Idempotent-Replayed', 'true');
  if (status === 204) response.end();
  else if (operation.plainText) sendText(response, out as LogText);
  else response.json(out);
}

/** Each parameter once: a list of values is no value that any operation takes. */
function queryOf(request: Request): Record<string, string> {
  const parameters = new URL(request.originalUrl, 'http://planner').searchParams;
  const query: Record<string, string> = {};
  for (const [name, value] of parameters) {
    if (Object.hasOwn(query, name)) throw new InvalidField('query', name, 'is given more than once');
    Object.defineProperty(query, name, { value, enumerable: true });
  }
  return query;
}

function sendText(response: Response, { text, sizeBytes, truncated }: LogText): void {
  response.setHeader('Ledgerlift-Log-Size', String(sizeBytes));
  response.setHeader('Ledgerlift-Log-Truncated', String(truncated));
  // Whatever stands in a log, no browser is to run it.
  response.setHeader('X-Content-Type-Options', 'nosniff');
  response.type('text/plain; charset=utf-8').send(text);
}
