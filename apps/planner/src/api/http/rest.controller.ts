import type { IncomingMessage } from 'node:http';
import {
  API_BASE,
  type ApiOperation,
  type ApiOperationName,
  apiOperations,
  type LogText,
} from '@ledgerlift/contracts';
import { reasonOf } from '@ledgerlift/planning';
import { Controller, Delete, Get, Inject, Post, Put, Req, Res, type Type } from '@nestjs/common';
import type { Request, Response } from 'express';
import { ApiDispatcher } from '../edge/dispatcher.js';
import {
  BodyTooLarge,
  InvalidField,
  MalformedJson,
  MalformedRequest,
  UnsupportedBody,
} from '../edge/errors.js';
import { loopbackUser } from '../edge/parse.js';

/** Enough for ten thousand VMs with their labels. */
export const BODY_LIMIT = 8 * 1024 * 1024;

/**
 * Reads a JSON body. Nest's own parser is off, because its errors have neither code nor field.
 *
 * @returns undefined if the body is empty
 * @throws UnsupportedBody, BodyTooLarge, MalformedJson; MalformedRequest if the client disconnects
 */
export async function readJsonBody(request: IncomingMessage, limit = BODY_LIMIT): Promise<unknown> {
  const bytes = await readBytes(request, limit);
  if (bytes.length === 0) return undefined;
  const encoding = request.headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity')
    throw new UnsupportedBody('Content-Encoding', encoding);
  // A browser sends JSON to another origin only after a preflight request, which the API does not allow. So this check also
  // keeps foreign web pages from commanding a planner that listens on loopback.
  const type = request.headers['content-type'] ?? '';
  if (!/^application\/(json|[\w.-]+\+json)\s*(;\s*charset="?utf-8"?\s*)?$/i.test(type))
    throw new UnsupportedBody('Content-Type', type);
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return text.trim() === '' ? undefined : JSON.parse(text);
  } catch (error) {
    throw new MalformedJson(reasonOf(error));
  }
}

async function readBytes(request: IncomingMessage, limit: number): Promise<Buffer> {
  const declared = Number(request.headers['content-length'] ?? 0);
  if (declared > limit) throw new BodyTooLarge(limit);
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request) {
      if (!Buffer.isBuffer(chunk)) continue;
      size += chunk.length;
      if (size > limit) break;
      chunks.push(chunk);
    }
  } catch (error) {
    throw new MalformedRequest(reasonOf(error));
  }
  if (size > limit) throw new BodyTooLarge(limit);
  return Buffer.concat(chunks);
}

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

/** Allows each parameter once, because no operation takes a list of values. @throws InvalidField */
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
  // A browser must not run anything that a log contains.
  response.setHeader('X-Content-Type-Options', 'nosniff');
  response.type('text/plain; charset=utf-8').send(text);
}
