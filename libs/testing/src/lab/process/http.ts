import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { LabFault } from '../wire.js';
import type { Lab } from './lab.js';
import { QmpFailed } from './qmp.js';
import { Refusal } from './refusal.js';
import { type Call, routes } from './routes.js';

/** The lab's API. @param token when given, a request without it is answered with 401 */
export function labServer(lab: Lab, token: string | undefined): Server {
  return createServer({ keepAliveTimeout: 5000 }, (request, response) => {
    void serve(lab, token, request, response).catch(() => request.socket.destroy());
  });
}

async function serve(
  lab: Lab,
  token: string | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await bodyOf(request);
  if (token !== undefined && request.headers.authorization !== `Bearer ${token}`) {
    send(response, 401, refused('unauthorized', 'the bearer token is missing or wrong'));
    return;
  }
  const line = `${request.method ?? ''} ${request.url ?? ''}`;
  const fault = line.includes(' /faults') ? undefined : lab.faults.take(line);
  if (fault !== undefined) lab.noteFault(`${line}: ${fault.action.do} ${fault.when}`);
  if (fault?.action.do === 'delay') await delay(fault.action.ms);
  if (fault?.when === 'before' && injected(fault, request, response)) return;
  const [status, answer] = await answerTo(lab, request, body, fault);
  if (fault?.when === 'after' && injected(fault, request, response)) return;
  send(response, status, answer);
}

/** @returns whether the fault has answered, or ended the connection */
function injected({ action }: LabFault, request: IncomingMessage, response: ServerResponse): boolean {
  if (action.do === 'cut') request.socket.destroy();
  else if (action.do === 'status') send(response, action.status, refused('injected', 'a fault was injected'));
  else return false;
  return true;
}

async function answerTo(
  lab: Lab,
  request: IncomingMessage,
  body: string,
  fault: LabFault | undefined,
): Promise<readonly [status: number, answer: unknown]> {
  try {
    const url = new URL(request.url ?? '/', 'http://lab');
    for (const [method, pattern, answer] of routes) {
      const match = method === request.method ? pattern.exec(url.pathname) : null;
      if (match === null) continue;
      const call: Call = {
        lab,
        path: match.slice(1).map(decodeURIComponent),
        query: url.searchParams,
        body: body === '' ? {} : JSON.parse(body),
        begin: (kind, vm, work) => lab.tasks.run(kind, vm, () => perhapsFailing(work, fault)),
      };
      return [200, (await answer(call)) ?? {}];
    }
    throw new Refusal(404, 'no-such-route', `${request.method ?? ''} ${url.pathname} is nothing here`);
  } catch (error) {
    return explained(error);
  }
}

async function perhapsFailing(work: () => Promise<void>, fault: LabFault | undefined): Promise<void> {
  const failure = fault?.action.do === 'fail-task' ? new Error(fault.action.message) : undefined;
  if (failure !== undefined && fault?.when === 'before') throw failure;
  await work();
  if (failure !== undefined) throw failure;
}

function explained(error: unknown): readonly [status: number, answer: unknown] {
  if (error instanceof Refusal) return [error.status, refused(error.code, error.message)];
  if (error instanceof z.ZodError) return [400, refused('bad-request', z.prettifyError(error))];
  if (error instanceof SyntaxError) return [400, refused('bad-request', error.message)];
  if (error instanceof QmpFailed) return [500, refused('engine', error.message)];
  console.error(error);
  return [500, refused('internal', error instanceof Error ? error.message : String(error))];
}

const refused = (code: string, message: string): unknown => ({ error: { code, message } });

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString('utf8');
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
