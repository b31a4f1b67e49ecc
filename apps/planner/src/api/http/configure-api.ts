import type { Socket } from 'node:net';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { NextFunction, Request, Response } from 'express';
import { ForeignHost, MalformedRequest } from '../edge/errors.js';
import { ApiErrorFilter, errorAnswer, type FaultLog } from './error-answer.js';

export interface ApiHttpOptions {
  readonly log: FaultLog;
  /**
   * Host names that the API answers to. There is no sign-in yet, so on loopback they are only loopback's own names: the API
   * refuses requests from a foreign page whose name resolves to 127.0.0.1.
   */
  readonly hosts: readonly string[] | 'any';
}

export const LOOPBACK_HOSTS: readonly string[] = ['127.0.0.1', 'localhost', '[::1]'];

/** Options for `NestFactory.create`: the API reads bodies itself, so that each error has its code. */
export const API_APPLICATION_OPTIONS = { bodyParser: false } as const;

/** Configures the HTTP application for the API. Call it before the application listens. */
export function configureApi(app: NestExpressApplication, { log, hosts }: ApiHttpOptions): void {
  app.disable('x-powered-by');
  app.disable('etag');
  app.useGlobalFilters(new ApiErrorFilter(log));
  app.use((request: Request, response: Response, next: NextFunction) => {
    const name = (request.get('host') ?? '').replace(/:\d+$/, '');
    if (hosts === 'any' || hosts.includes(name.toLowerCase())) {
      next();
      return;
    }
    const { status, body } = errorAnswer(new ForeignHost(name.slice(0, 100)), request.method, request.path);
    response.status(status).setHeader('Connection', 'close').json(body);
  });
  // Requests that Node's parser refuses never reach Express, and Node's own answer has neither code nor message.
  const server = app.getHttpServer();
  server.on('clientError', refuse);
  // Longer than clients and proxies keep idle connections, so that the server closes none while a request is on its way.
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.headersTimeout = KEEP_ALIVE_MS + 1000;
}

const KEEP_ALIVE_MS = 75_000;

function refuse(error: Error, socket: Socket): void {
  if (!socket.writable || socket.destroyed) return;
  const { status, body } = errorAnswer(new MalformedRequest(error.message), '', '');
  const text = JSON.stringify(body);
  socket.end(
    `HTTP/1.1 ${status} Bad Request\r\nContent-Type: application/json; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(text)}\r\nConnection: close\r\n\r\n${text}`,
  );
}
