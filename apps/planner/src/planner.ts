import 'reflect-metadata';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ScheduleLimits, subjects } from '@ledgerlift/contracts';
import { openSqliteLog } from '@ledgerlift/event-log';
import { loadExtensions } from '@ledgerlift/extensions';
import { closeSources } from '@ledgerlift/providers';
import { closeTargets } from '@ledgerlift/targets';
import {
  BusErrorFilter,
  Backlog,
  EventPublisher,
  JetStreamServer,
  ProgressBucket,
  deadLetterConsumer,
  maxPayload,
  reportConsumer,
} from '@ledgerlift/messaging';
import { NestLogger, connectNats, createLogger } from '@ledgerlift/service';
import type { NatsConnection } from '@nats-io/nats-core';
import { type DynamicModule, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import type { NestExpressApplication } from '@nestjs/platform-express';
import {
  API_APPLICATION_OPTIONS,
  ApiFeed,
  ApiModule,
  LOOPBACK_HOSTS,
  PlanRuns,
  configureApi,
  progressEntry,
} from './api/index.js';
import { AttemptDesk } from './bus/attempt-desk.js';
import { readSigner } from './bus/pod-credentials.js';
import { PodDesk } from './bus/pod-desk.js';
import { ProgressBoard } from './bus/progress-board.js';
import { Relay } from './bus/relay.js';
import { CatalogProjection } from './catalog/index.js';
import type { PlannerConfig } from './config.js';
import { CoreModule, type PlannerCore } from './core.module.js';
import { HealthController, READINESS, type Readiness } from './health.controller.js';
import { InventoryService } from './inventory/index.js';
import { LogEventWriter } from './log/log-event-writer.js';
import { LogFeed } from './log/log-feed.js';
import { PresenceKeeper } from './runs/presence-keeper.js';
import { RunEngine } from './runs/run-engine.js';
import { isVmStream } from './runs/run-view.js';
import { systemContext } from './runs/system-context.js';

@Module({})
class PlannerModule {
  static of(core: PlannerCore, installation: string, readiness: Readiness): DynamicModule {
    const coreModule = CoreModule.of(core);
    return {
      module: PlannerModule,
      imports: [coreModule, ApiModule.register({ imports: [coreModule], installation })],
      controllers: [HealthController],
      providers: [{ provide: READINESS, useValue: readiness }],
    };
  }
}

export interface Planner {
  stop(): Promise<void>;
}

const TICK_MS = 1000;
const RECONCILE_MS = 30_000;
/** How often the planner looks for what clean-ups left; each VM says when it is due. */
const LEFTOVERS_MS = 300_000;

/**
 * Starts the planner: owns the log (waiting until no other planner does), reads it, brings everything to where it
 * says it should be, and only then answers.
 *
 * @throws BadSetting, BadExtension, NotAnEventLog, BadCredentials, and what the HTTP server says of its port
 */
export async function startPlanner(config: PlannerConfig): Promise<Planner> {
  const logger = createLogger('planner', config.logLevel);
  // Without one it works on: only pods need it.
  if (config.podSigning.seedFile !== undefined) await readSigner(config.podSigning);
  await loadExtensions(config.extensions);
  await mkdir(dirname(config.logFile), { recursive: true, mode: 0o700 });
  const log = await openSqliteLog({
    path: config.logFile,
    onWaiting: () =>
      logger.warn({ log: config.logFile }, 'another planner owns the log; waiting until it is gone'),
  });
  const nc = await connectNats({
    url: config.natsUrl,
    creds: config.natsCreds,
    inbox: config.natsInbox,
    name: 'planner',
    logger,
  });
  const writer = new LogEventWriter(log);
  const board = new ProgressBoard();
  const failed = (what: string, error: unknown): void =>
    logger.error(
      { reason: error instanceof Error ? error.message : String(error) },
      `${what} failed; it is made up for`,
    );
  let isConnected = true;
  void watchConnection(nc, (connected) => {
    isConnected = connected;
  });
  const backlog = new Backlog(nc, reportConsumer);
  const keeper = new PresenceKeeper(log, writer, {
    bus: {
      isConnected: () => isConnected,
      restart: () => backlog.restart(),
      // While JetStream does not answer, the planner is not back either; the relay says why.
      isTaken: () => backlog.isTaken().catch(() => false),
    },
    now: Date.now,
    returned: () => {
      logger.info('leading; time limits and leases count');
      desk.returned();
      engine.returned();
    },
  });
  const engine: RunEngine = new RunEngine(
    log,
    writer,
    {
      stop: (stream, reason) => nc.publish(subjects.stop(stream), JSON.stringify({ reason })),
      progressOf: (stream) => board.of(stream),
      failed,
    },
    {
      limits: ScheduleLimits.parse({ vms: config.maxRunningVms }),
      presence: () => keeper.presence,
    },
  );
  const desk: AttemptDesk = new AttemptDesk(engine, {
    leaseMs: config.leaseMs,
    now: Date.now,
    isAway: () => keeper.presence.isAway,
    tooOld: (worker) =>
      logger.warn(
        { worker },
        'a worker of an older version asks for work; what it is asked is left for a newer one',
      ),
  });
  const publisher = new EventPublisher({ nc, installation: config.installation });
  const relay = new Relay(log, nc, publisher, engine, { unclaimedMs: config.unclaimedMs, log: logger });
  const bucket = new ProgressBucket({
    nc,
    logger,
    entryOf: (stream) => progressEntry(engine, stream, new Date()),
  });
  const feed = new LogFeed(log);
  let isReady = false;

  const pods = new PodDesk(engine, {
    signing: config.podSigning,
    now: Date.now,
    maxPayload: () => maxPayload(nc),
  });
  const core = { log, writer, engine, desk, pods, nc };
  const app = await NestFactory.create<NestExpressApplication>(
    PlannerModule.of(core, config.installation, () => (isReady ? [] : ['the planner is starting'])),
    { ...API_APPLICATION_OPTIONS, logger: new NestLogger(logger) },
  );
  const isLoopback =
    config.http.host === '127.0.0.1' || config.http.host === 'localhost' || config.http.host === '::1';
  configureApi(app, { log: logger, hosts: isLoopback ? LOOPBACK_HOSTS : 'any' });
  const consumers = {
    reports: { spec: reportConsumer, concurrency: 16 },
    dead: { spec: deadLetterConsumer },
  };
  const bus = app.connectMicroservice<MicroserviceOptions>(
    { strategy: new JetStreamServer({ nc, service: 'planner', consumers, logger }) },
    { inheritAppConfig: false, deferInitialization: true },
  );
  bus.useGlobalFilters(new BusErrorFilter());

  const api = app.get(ApiFeed);
  feed.add((event) => keeper.restore(event));
  feed.add((event) => engine.restore(event));
  feed.add((event) => api.apply(event));
  feed.add((event) => board.apply(event));
  feed.add((event) => relay.offer(event));
  await feed.start();
  keeper.begin();
  desk.restore();
  relay.start();
  // From here on: of what is long over nothing need be looked at.
  for (const stream of engine.vms.open) bucket.touch(stream);
  feed.add(({ stream }) => {
    if (isVmStream(stream)) bucket.touch(stream);
  });
  bucket.start();
  board.listen(nc, (stream) => bucket.touch(stream));
  await engine.restored();
  await app.get(PlanRuns).reconcile(systemContext('plans'));
  await app.startAllMicroservices();
  await keeper.tick();
  await app.listen(config.http.port, config.http.host);
  const [inventory, catalog] = [app.get(InventoryService), app.get(CatalogProjection)];
  inventory.onReturn((provider) => {
    logger.info({ provider }, 'a provider can be read again; removing what clean-ups left there');
    app
      .get(PlanRuns)
      .removeLeftovers(systemContext('plans'), new Date(), provider)
      .catch((error: unknown) => failed('removing leftovers', error));
  });
  isReady = true;
  logger.info({ url: await app.getUrl(), log: config.logFile }, 'deciding');

  const every = (ms: number, what: string, run: () => Promise<void>): NodeJS.Timeout =>
    setInterval(() => void run().catch((error: unknown) => failed(what, error)), ms);
  const timers = [
    // First of all: the others count no time in which the planner was away.
    every(TICK_MS, 'looking whether the planner can be reached', () => keeper.tick()),
    every(TICK_MS, 'ending expired leases', () => desk.expire()),
    every(TICK_MS, 'publishing unclaimed requests again', () => relay.republishUnclaimed(Date.now())),
    every(RECONCILE_MS, 'reconciling', () => engine.reconcile()),
    every(LEFTOVERS_MS, 'removing leftovers', async () => {
      const providers = await app.get(PlanRuns).removeLeftovers(systemContext('plans'), new Date());
      for (const each of catalog.providers()) if (providers.has(each.id)) inventory.follow(each);
    }),
  ];
  return {
    stop: async () => {
      for (const timer of timers) clearInterval(timer);
      engine.stop();
      await keeper.stopped().catch((error: unknown) => failed('recording the stop', error));
      await app.close();
      await relay.stop();
      await feed.stop();
      board.close();
      await closeSources();
      await closeTargets();
      await bucket.close();
      await nc.close();
      await log.close();
    },
  };
}

/** Tells each time the connection to NATS is lost or back. */
async function watchConnection(nc: NatsConnection, tell: (isConnected: boolean) => void): Promise<void> {
  for await (const { type } of nc.status()) {
    if (type === 'disconnect') tell(false);
    else if (type === 'reconnect') tell(true);
  }
}
