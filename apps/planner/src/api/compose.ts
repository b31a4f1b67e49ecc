import type { EventLog, StoredEvent } from '@ledgerlift/event-log';
import {
  BytesToRead,
  CatalogPlanExaminer,
  CatalogProjection,
  type ExtentsAccess,
  InventoryService,
  Measurements,
  Rehearser,
  type SourceAccess,
  type WorkerAccess,
} from '@ledgerlift/planning';
import { type DynamicModule, Module } from '@nestjs/common';
import { CatalogCommands, CatalogStreams } from '../catalog/index.js';
import type { EventWriter } from '../log/event-writer.js';
import type { RunService } from '../runs/run-service.js';
import { natsController } from './bus/nats.controller.js';
import { DocumentsController } from './documents/documents.controller.js';
import { ApiDispatcher } from './edge/dispatcher.js';
import { IdempotencyIndex } from './edge/idempotency.js';
import { handlers } from './handlers/index.js';
import { restController } from './http/rest.controller.js';
import { PlanManifests } from './plan-manifests.js';
import { PlanRuns } from './plan-runs.js';
import { PlanVms } from './plan-vms.js';

/** Dependencies of the API. */
export interface ApiParts {
  readonly log: EventLog;
  readonly writer: EventWriter;
  readonly runs: RunService;
  readonly sources: SourceAccess;
  readonly workers: WorkerAccess;
  readonly extents: ExtentsAccess;
  /** Whether the planner can sign credentials for worker pods. */
  readonly podCredentials: () => 'set-up' | 'not-set-up';
  /** Name of this installation. VM records carry it, and resources created outside are marked with it. */
  readonly installation: string;
}

export interface Api {
  readonly dispatcher: ApiDispatcher;
  readonly catalog: CatalogProjection;
  readonly inventory: InventoryService;
  readonly plans: PlanRuns;
  /** Call it with every event of the log, in order. Pass all existing events before the first request. */
  apply(event: StoredEvent): void;
}

/** Builds the public API. `ApiModule` serves it over REST and NATS. */
export function composeApi(parts: ApiParts): Api {
  const { log, writer, runs, sources, workers, extents, podCredentials, installation } = parts;
  const now = (): Date => new Date();
  const streams = new CatalogStreams(log, writer);
  const idempotency = new IdempotencyIndex();
  const measurements = new Measurements();
  const catalog = new CatalogProjection(streams);
  const commands = new CatalogCommands(catalog, streams);
  const inventory = new InventoryService(sources);
  const expected = (providerId: string) => measurements.expected(providerId);
  const examiner = new CatalogPlanExaminer({
    catalog,
    inventory,
    runs,
    workers,
    installation,
    expected,
    podCredentials,
    now,
  });
  const plans = new PlanRuns(catalog, commands, runs, examiner);
  const rehearser = new Rehearser({
    examiner,
    measurements,
    bytes: new BytesToRead(extents),
    limits: () => runs.limits,
    scheduled: () => runs.scheduled,
    now,
  });
  const planVms = new PlanVms(catalog, commands, inventory);
  const manifests = new PlanManifests(examiner);
  const services = { catalog, commands, inventory, plans, planVms, manifests, rehearser, runs, now };
  return {
    dispatcher: new ApiDispatcher(services, handlers, idempotency),
    catalog,
    inventory,
    plans,
    apply: (event) => {
      streams.apply(event);
      idempotency.apply(event);
      measurements.apply(event);
    },
  };
}

/** The controllers of the public API. */
@Module({})
export class ApiModule {
  static of({ dispatcher }: Pick<Api, 'dispatcher'>): DynamicModule {
    return {
      module: ApiModule,
      controllers: [DocumentsController, restController(), natsController()],
      providers: [{ provide: ApiDispatcher, useValue: dispatcher }],
    };
  }
}
