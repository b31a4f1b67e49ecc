import type { EventLog } from '@ledgerlift/event-log';
import type { NatsConnection } from '@nats-io/nats-core';
import { type DynamicModule, Global, Module } from '@nestjs/common';
import { AttemptDesk } from './bus/attempt-desk.js';
import { BusController } from './bus/bus.controller.js';
import { PodDesk } from './bus/pod-desk.js';
import { SOURCE_ACCESS, providerSourceAccess } from './inventory/index.js';
import { EVENT_LOG, EVENT_WRITER, type EventWriter } from './log/event-writer.js';
import { RunEngine } from './runs/run-engine.js';
import { RUN_SERVICE } from './runs/run-service.js';
import { NatsWorkerAccess, WORKER_ACCESS } from './validation/index.js';

/** What the planner is made of, made before Nest: nothing may be answered until the log has been read. */
export interface PlannerCore {
  readonly log: EventLog;
  readonly writer: EventWriter;
  readonly engine: RunEngine;
  readonly desk: AttemptDesk;
  readonly pods: PodDesk;
  readonly nc: NatsConnection;
}

@Global()
@Module({})
export class CoreModule {
  static of({ log, writer, engine, desk, pods, nc }: PlannerCore): DynamicModule {
    const providers = [
      { provide: EVENT_LOG, useValue: log },
      { provide: EVENT_WRITER, useValue: writer },
      { provide: RunEngine, useValue: engine },
      { provide: RUN_SERVICE, useValue: engine },
      { provide: AttemptDesk, useValue: desk },
      { provide: PodDesk, useValue: pods },
      { provide: SOURCE_ACCESS, useValue: providerSourceAccess },
      { provide: WORKER_ACCESS, useValue: new NatsWorkerAccess(nc) },
    ];
    return { module: CoreModule, controllers: [BusController], providers, exports: providers };
  }
}
