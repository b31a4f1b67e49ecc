import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Inventory, InventoryProblem } from '@ledgerlift/contracts';
import type { EventLog } from '@ledgerlift/event-log';
import type { SourceAccess, WorkerAccess } from '@ledgerlift/planning';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { imageExtents } from '../../access/index.js';
import { LogEventWriter } from '../../log/event-writer.js';
import { type Api, ApiModule, composeApi } from '../compose.js';
import { API_APPLICATION_OPTIONS, LOOPBACK_HOSTS, configureApi } from '../http/configure-api.js';
import { FakeRunService } from './fake-run-service.js';

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  // Specs look at bodies of many shapes; each says what it expects there.
  readonly body: Record<string, unknown> & {
    readonly error?: { readonly code: string; readonly message: string; readonly field?: string };
  };
  readonly text: string;
}

/** A source that is given its inventory by the spec. */
export class FakeSource implements SourceAccess {
  problems: readonly InventoryProblem[] = [];
  digestProblems: readonly InventoryProblem[] = [];
  reads = 0;

  constructor(public inventoryNow: Inventory) {}

  check(): Promise<readonly InventoryProblem[]> {
    return Promise.resolve(this.problems);
  }
  inventory(): Promise<Inventory> {
    this.reads += 1;
    return Promise.resolve(this.inventoryNow);
  }
  verifyDigests(): Promise<readonly InventoryProblem[]> {
    return Promise.resolve(this.digestProblems);
  }
}

/** The real API on a real HTTP server over a given log; the runs and the source are fakes. */
export class PlannerUnderTest {
  private constructor(
    readonly app: NestExpressApplication,
    readonly api: Api,
    readonly url: string,
    readonly runs: FakeRunService,
    readonly source: FakeSource,
    /** An empty folder that may serve as a target. */
    readonly folder: string,
    readonly faults: readonly object[],
  ) {}

  /** @param access where given, the source is asked through it, not the fake */
  static async start(log: EventLog, inventory: Inventory, access?: SourceAccess): Promise<PlannerUnderTest> {
    const writer = new LogEventWriter(log);
    const runs = new FakeRunService(log, writer);
    const source = new FakeSource(inventory);
    const workers: WorkerAccess = {
      at: () =>
        Promise.resolve({
          connected: ['transfer', 'converter', 'vm-creator'],
          conversionProblems: [],
          transferTools: {
            vddk: { oldest: { version: '8.0.3', path: '/vddk' }, problems: [] },
            hooks: { oldest: { version: '', path: '/hooks' }, problems: [] },
          },
        }),
    };
    const api = composeApi({
      log,
      writer,
      runs,
      sources: access ?? source,
      workers,
      extents: imageExtents,
      podCredentials: () => 'not-set-up',
      installation: 'lab',
    });
    const app = await NestFactory.create<NestExpressApplication>(ApiModule.of(api), {
      ...API_APPLICATION_OPTIONS,
      logger: false,
    });
    const faults: object[] = [];
    configureApi(app, { log: { error: (context) => faults.push(context) }, hosts: LOOPBACK_HOSTS });
    for await (const event of log.readAll()) api.apply(event);
    await app.listen(0, '127.0.0.1');
    const folder = await mkdtemp(join(tmpdir(), 'ledgerlift-target-'));
    return new PlannerUnderTest(app, api, await app.getUrl(), runs, source, folder, faults);
  }

  async call(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Reply> {
    const key = method === 'POST' ? { 'Idempotency-Key': crypto.randomUUID() } : {};
    const response = await fetch(`${this.url}/api/v1${path}`, {
      method,
      headers: { 'Content-Type': 'application/json', ...key, ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') ?? false;
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : {}, text };
  }

  async stop(): Promise<void> {
    await this.app.close();
    this.api.inventory.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}
