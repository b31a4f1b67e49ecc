import 'reflect-metadata';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { type ServiceName, type WorkerCapabilities, siteOfPod, subjects } from '@ledgerlift/contracts';
import {
  BusErrorFilter,
  JetStreamServer,
  podRequestConsumer,
  stepRequestConsumer,
} from '@ledgerlift/messaging';
import type { NatsConnection } from '@nats-io/nats-core';
import { type DynamicModule, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import { v7 as uuid } from 'uuid';
import {
  type Environment,
  type Logger,
  NestLogger,
  type ServiceConfig,
  connectNats,
  createLogger,
  endGracefully,
  readServiceConfig,
  startHealth,
} from '@ledgerlift/service';
import type { StepHandlers } from './attempt.js';
import { type EnsurePod, PodLauncher } from './pod-launcher.js';
import {
  POD_REQUESTED,
  PodRequestController,
  STEP_REQUESTED,
  StepRequestController,
} from './requests.controller.js';
import { StepRunner } from './step-runner.js';

/** What a worker's handlers may use. */
export interface WorkerContext {
  readonly config: ServiceConfig;
  readonly logger: Logger;
  /** This process: `{service}/{host}/{start id}`. */
  readonly workerId: string;
}

export interface WorkerOptions {
  readonly service: ServiceName;
  /** Handlers of the steps that this service does. */
  readonly handlers: StepHandlers | ((context: WorkerContext) => StepHandlers | Promise<StepHandlers>);
  readonly env?: Environment;
  /** Looks for the tools that its steps need; for the validation of plans. */
  readonly tools?: () => Promise<WorkerCapabilities['tools']>;
  /** Makes the pods of its site, if this service does. */
  readonly pods?: EnsurePod;
  /** Closes what the handlers keep open, once they have ended. */
  readonly close?: () => Promise<void>;
  /** Called if a handler keeps running although it must stop; by default ends the process. */
  readonly onUnstoppable?: (message: string) => void;
}

export interface Worker {
  readonly workerId: string;
  readonly healthPort: number;
  readonly runner: StepRunner;
  readonly nc: NatsConnection;
  /** Hands back running attempts, drains, and closes the connection. */
  stop(): Promise<void>;
}

/** How many pods are made at once. Each takes a few calls to the target. */
const PODS_AT_ONCE = 8;

@Module({})
class WorkerModule {
  static of(runner: StepRunner, launcher: PodLauncher | undefined): DynamicModule {
    return {
      module: WorkerModule,
      controllers: [StepRequestController, ...(launcher === undefined ? [] : [PodRequestController])],
      providers: [
        { provide: StepRunner, useValue: runner },
        ...(launcher === undefined ? [] : [{ provide: PodLauncher, useValue: launcher }]),
      ],
    };
  }
}

/**
 * Starts a worker service inside this process, without touching the process itself.
 * @throws BadSetting, BadCredentials, PortTaken
 */
export async function startWorker(options: WorkerOptions): Promise<Worker> {
  const { service, onUnstoppable } = options;
  const config = readServiceConfig(options.env);
  const logger = createLogger(service, config.logLevel);
  const workerId = `${service}/${hostname()}/${uuid()}`;
  const context: WorkerContext = { config, logger, workerId };
  const handlers =
    typeof options.handlers === 'function' ? await options.handlers(context) : options.handlers;
  let state: 'starting' | 'working' | 'stopping' = 'starting';
  // Health is queried before NATS is connected.
  const bus: { connection?: NatsConnection } = {};
  const health = await startHealth({
    ...config.http,
    missing: async () => {
      if (state !== 'working' || bus.connection === undefined) return [`the worker is ${state}`];
      return (await answers(bus.connection)) ? [] : ['NATS is not connected'];
    },
  });
  const nc = await connectNats({
    url: config.natsUrl,
    creds: config.natsCreds,
    inbox: config.natsInbox,
    name: workerId,
    logger,
  });
  bus.connection = nc;
  const runner = new StepRunner({
    nc,
    service,
    site: config.site,
    workerId,
    slots: config.slots,
    handlers,
    logger,
    ...(onUnstoppable === undefined ? {} : { onUnstoppable }),
  });
  // A worker in a pod makes none.
  const launcher =
    options.pods === undefined || siteOfPod(config.site) !== undefined
      ? undefined
      : new PodLauncher({
          nc,
          site: config.site,
          workerId,
          ensure: options.pods,
          logger,
          now: () => Date.now(),
        });
  const strategy = new JetStreamServer({
    nc,
    logger,
    consumers: {
      [STEP_REQUESTED]: {
        spec: stepRequestConsumer(service, config.site),
        ready: (pulled) => runner.ready(pulled),
      },
      ...(launcher === undefined
        ? {}
        : { [POD_REQUESTED]: { spec: podRequestConsumer(config.site), concurrency: PODS_AT_ONCE } }),
    },
  });
  const app = await NestFactory.createMicroservice<MicroserviceOptions>(WorkerModule.of(runner, launcher), {
    strategy,
    logger: new NestLogger(logger),
  });
  app.useGlobalFilters(new BusErrorFilter());
  await app.listen();
  answerCapabilities(nc, { service, site: config.site, worker: workerId }, options.tools);
  state = 'working';
  logger.info(
    { workerId, site: config.site, slots: config.slots, healthPort: health.port },
    'worker started',
  );
  return {
    workerId,
    healthPort: health.port,
    runner,
    nc,
    stop: async () => {
      state = 'stopping';
      // All at once: closing the runner ends pending claims, and nothing new is pulled.
      await Promise.all([app.close(), runner.shutdown(), launcher?.shutdown()]);
      await options.close?.();
      await health.close();
      await nc.close();
    },
  };
}

/**
 * The `main` of a worker service: runs until a signal, then ends the process.
 * `await runWorker({ service: 'transfer', handlers })`
 */
export async function runWorker(options: WorkerOptions): Promise<void> {
  const crashLogger = createLogger(options.service, 'info');
  let worker: Worker | undefined;
  const end = endGracefully({
    logger: crashLogger,
    steps: [{ name: 'worker', run: async () => worker?.stop() }],
  });
  try {
    worker = await startWorker({
      ...options,
      // The I/O must end before the lease does. The lease is ending now, and only exiting still stops the I/O.
      onUnstoppable: options.onUnstoppable ?? (() => process.exit(1)),
    });
    void worker.nc.closed().then((error) => {
      if (error !== undefined) end(1);
    });
  } catch (error) {
    crashLogger.fatal(error instanceof Error ? { reason: error.message } : {}, 'cannot start');
    process.exit(1);
  }
}

/** Answers requests for this worker's capabilities while the connection lasts. */
function answerCapabilities(
  nc: NatsConnection,
  who: Omit<WorkerCapabilities, 'tools'>,
  tools: WorkerOptions['tools'] = async () => [],
): void {
  nc.subscribe(subjects.capabilities(who.service, who.site), {
    callback: (error, message) => {
      if (error !== null) return;
      void tools()
        .catch(() => [])
        .then((found) =>
          message.respond(JSON.stringify({ ...who, tools: found } satisfies WorkerCapabilities)),
        );
    },
  });
}

/** Whether NATS answers within a second. */
async function answers(nc: NatsConnection): Promise<boolean> {
  const pong = nc.rtt().then(
    () => true,
    () => false,
  );
  return Promise.race([pong, delay(1000, false, { ref: false })]);
}
