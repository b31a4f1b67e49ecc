import type { EventLog } from '@ledgerlift/event-log';
import { type DynamicModule, Module, type ModuleMetadata } from '@nestjs/common';
import { CatalogCommands, CatalogProjection } from '../catalog/index.js';
import { InventoryService, SOURCE_ACCESS, type SourceAccess } from '../inventory/index.js';
import { EVENT_LOG, EVENT_WRITER, type EventWriter } from '../log/event-writer.js';
import { BytesToRead, Measurements, Rehearser, imageExtents } from '../rehearsal/index.js';
import { RUN_SERVICE, type RunService } from '../runs/run-service.js';
import { CatalogPlanExaminer, WORKER_ACCESS, type WorkerAccess } from '../validation/index.js';
import { ApiFeed } from './api-feed.js';
import { natsController } from './bus/nats.controller.js';
import { DocumentsController } from './documents/documents.controller.js';
import { ApiDispatcher } from './edge/dispatcher.js';
import { IdempotencyIndex } from './edge/idempotency.js';
import { handlers } from './handlers/index.js';
import { restController } from './http/rest.controller.js';
import { PodDesk } from '../bus/pod-desk.js';
import { PlanManifests } from './plan-manifests.js';
import { PlanRuns } from './plan-runs.js';
import { PlanVms } from './plan-vms.js';

export interface ApiModuleOptions {
  /** Modules that provide EVENT_LOG, EVENT_WRITER, RUN_SERVICE, SOURCE_ACCESS and WORKER_ACCESS. */
  readonly imports: NonNullable<ModuleMetadata['imports']>;
  /** Name of this installation, in every record and on everything that is made outside. */
  readonly installation: string;
}

/** The public API, over REST and NATS. Give its `ApiFeed` every event of the log before the first request comes. */
@Module({})
export class ApiModule {
  static register({ imports, installation }: ApiModuleOptions): DynamicModule {
    const now = (): Date => new Date();
    return {
      module: ApiModule,
      imports,
      controllers: [DocumentsController, restController(), natsController()],
      providers: [
        IdempotencyIndex,
        Measurements,
        {
          provide: CatalogProjection,
          inject: [EVENT_LOG, EVENT_WRITER],
          useFactory: (log: EventLog, writer: EventWriter) => new CatalogProjection(log, writer),
        },
        {
          provide: ApiFeed,
          inject: [CatalogProjection, IdempotencyIndex, Measurements],
          useFactory: (catalog: CatalogProjection, index: IdempotencyIndex, measurements: Measurements) =>
            new ApiFeed(catalog, index, measurements),
        },
        {
          provide: CatalogCommands,
          inject: [CatalogProjection],
          useFactory: (catalog: CatalogProjection) => new CatalogCommands(catalog),
        },
        {
          provide: InventoryService,
          inject: [SOURCE_ACCESS],
          useFactory: (sources: SourceAccess) => new InventoryService(sources),
        },
        {
          provide: CatalogPlanExaminer,
          inject: [
            CatalogProjection,
            InventoryService,
            RUN_SERVICE,
            WORKER_ACCESS,
            Measurements,
            { token: PodDesk, optional: true },
          ],
          useFactory: (
            catalog: CatalogProjection,
            inventory: InventoryService,
            runs: RunService,
            workers: WorkerAccess,
            measurements: Measurements,
            pods: PodDesk | undefined,
          ) => {
            const podCredentials = () => (pods?.isSetUp === true ? 'set-up' : 'not-set-up');
            const expected = (providerId: string) => measurements.expected(providerId);
            return new CatalogPlanExaminer({
              catalog,
              inventory,
              runs,
              workers,
              installation,
              expected,
              podCredentials,
              now,
            });
          },
        },
        {
          provide: PlanRuns,
          inject: [CatalogProjection, CatalogCommands, RUN_SERVICE, CatalogPlanExaminer],
          useFactory: (
            catalog: CatalogProjection,
            commands: CatalogCommands,
            runs: RunService,
            examiner: CatalogPlanExaminer,
          ) => new PlanRuns(catalog, commands, runs, examiner),
        },
        {
          provide: Rehearser,
          inject: [CatalogPlanExaminer, Measurements, RUN_SERVICE],
          useFactory: (examiner: CatalogPlanExaminer, measurements: Measurements, runs: RunService) => {
            const bytes = new BytesToRead(imageExtents);
            const limits = () => runs.limits;
            const scheduled = () => runs.scheduled;
            return new Rehearser({ examiner, measurements, bytes, limits, scheduled, now });
          },
        },
        {
          provide: ApiDispatcher,
          inject: [
            CatalogProjection,
            CatalogCommands,
            InventoryService,
            PlanRuns,
            RUN_SERVICE,
            Rehearser,
            IdempotencyIndex,
            CatalogPlanExaminer,
          ],
          useFactory: (
            catalog: CatalogProjection,
            commands: CatalogCommands,
            inventory: InventoryService,
            plans: PlanRuns,
            runs: RunService,
            rehearser: Rehearser,
            index: IdempotencyIndex,
            examiner: CatalogPlanExaminer,
          ) => {
            const planVms = new PlanVms(catalog, commands, inventory);
            const manifests = new PlanManifests(examiner);
            const services = {
              catalog,
              commands,
              inventory,
              plans,
              planVms,
              manifests,
              rehearser,
              runs,
              now,
            };
            return new ApiDispatcher(services, handlers, index);
          },
        },
      ],
      exports: [ApiFeed, CatalogProjection, InventoryService, PlanRuns],
    };
  }
}
