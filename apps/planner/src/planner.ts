import 'reflect-metadata';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ScheduleLimits, subjects } from '@ledgerlift/contracts';
import { isDatabase, openLog, shownPlace } from '@ledgerlift/event-log';
import { loadExtensions } from '@ledgerlift/extensions';
import { providerSourceAccess } from '@ledgerlift/planning';
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
import { type HealthServer, NestLogger, connectNats, createLogger, startHealth } from '@ledgerlift/service';
import type { NatsConnection } from '@nats-io/nats-core';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import type { NestExpressApplication } from '@nestjs/platform-express';
import {
  API_APPLICATION_OPTIONS,
  ApiModule,
  LOOPBACK_HOSTS,
  composeApi,
  configureApi,
  progressEntry,
} from './api/index.js';
import { NatsWorkerAccess, imageExtents } from './access/index.js';
import { BusModule } from './bus/bus.module.js';
import { LeaseService } from './bus/lease-service.js';
import { readSigner } from './bus/pod-credentials.js';
import { PodDesk } from './bus/pod-desk.js';
import { ProgressBoard } from './bus/progress-board.js';
import { Relay } from './bus/relay.js';
import type { PlannerConfig } from './config.js';
import { HealthModule } from './health.controller.js';
import { LogEventWriter } from './log/event-writer.js';
import { LogFeed } from './log/log-feed.js';
import { PresenceKeeper } from './runs/presence-keeper.js';
import { ProcessManager } from './runs/process-manager.js';
import { RunStates } from './runs/run-states.js';
import { Runs } from './runs/runs.js';
import { isVmStream, systemContext } from './runs/stream-names.js';

@Module({})
class PlannerModule {}

export interface Planner {
  stop(): Promise<void>;
}

const TICK_MS = 1000;
const RECONCILE_MS = 30_000;
const LOSSES_MS = 10_000;
/** How often the planner checks for leftovers of clean-ups that are due (see `leftoversDueAt`). */
const LEFTOVERS_MS = 300_000;

/** The health of a planner that does not answer requests yet. */
interface Start extends HealthServer {
  /** What the planner waits for, in words. */
  waitsFor: string;
}

/**
 * Starts the planner: takes ownership of the log (waiting until no other planner has it), reads it, runs all pending reactions,
 * and only then answers requests. Its health is answered throughout, because it may wait for long.
 *
 * @param onLost called if another planner took over the log; this one must exit
 * @throws PortTaken, BadSetting, BadExtension, NotAnEventLog, CannotOpenLog, BadCredentials, and the HTTP server's error if it
 *   cannot listen
 */
export async function startPlanner(
  config: PlannerConfig,
  onLost: () => void = () => undefined,
): Promise<Planner> {
  // Fails early on a bad key. The planner works without one, because only pods need it.
  if (config.podSigning.seedFile !== undefined) await readSigner(config.podSigning);
  await loadExtensions(config.extensions);
  const missing = (): readonly string[] => [start.waitsFor];
  const health = await startHealth({ ...config.http, missing, others: 'hang-up' });
  const start: Start = { ...health, waitsFor: 'the planner opens the log' };
  try {
    return await startWithHealth(config, onLost, start);
  } catch (error) {
    await start.close();
    throw error;
  }
}

async function startWithHealth(config: PlannerConfig, onLost: () => void, start: Start): Promise<Planner> {
  const logger = createLogger('planner', config.logLevel);
  const place = shownPlace(config.log);
  if (!isDatabase(config.log)) await mkdir(dirname(config.log), { recursive: true, mode: 0o700 });
  const log = await openLog(config.log, {
    onWaiting: () => {
      start.waitsFor = 'another planner owns the log';
      logger.warn({ log: place }, 'another planner owns the log; waiting until it exits');
    },
    onLost,
  });
  start.waitsFor = 'NATS is not connected';
  const nc = await connectNats({
    url: config.natsUrl,
    creds: config.natsCreds,
    inbox: config.natsInbox,
    name: 'planner',
    logger,
  });
  start.waitsFor = 'the planner is starting';
  const writer = new LogEventWriter(log);
  const board = new ProgressBoard();
  const failed = (what: string, error: unknown): void =>
    logger.error(
      { reason: error instanceof Error ? error.message : String(error) },
      `${what} failed; will retry at the next reconcile`,
    );
  let isConnected = true;
  void watchConnection(nc, (connected) => {
    isConnected = connected;
  });
  const backlog = new Backlog(nc, reportConsumer);
  const keeper = new PresenceKeeper(log, writer, {
    bus: {
      // Whoever does not own the log for sure answers nobody, so nobody can reach the planner then.
      isConnected: () => isConnected && log.owns(),
      restart: () => backlog.restart(),
      // While JetStream does not answer, the planner is not back either. The relay logs the reason.
      isTaken: () => backlog.isTaken().catch(() => false),
    },
    now: Date.now,
    returned: () => {
      logger.info('leading; time limits and leases are now enforced');
      desk.returned();
      processes.returned();
    },
  });
  const states = new RunStates(log, writer, ScheduleLimits.parse({ vms: config.maxRunningVms }));
  const processes: ProcessManager = new ProcessManager(states, {
    presence: () => keeper.presence,
    stop: (stream, reason) => nc.publish(subjects.stop(stream), JSON.stringify({ reason })),
    failed,
  });
  const runs = new Runs(log, states, processes, (stream) => board.of(stream));
  const desk: LeaseService = new LeaseService(states, {
    leaseMs: config.leaseMs,
    now: Date.now,
    isAway: () => keeper.presence.isAway,
    tooOld: (worker) =>
      logger.warn(
        { worker },
        'a worker of an older version asked for work; its requests are left for newer workers',
      ),
  });
  const publisher = new EventPublisher({ nc, installation: config.installation });
  const relay = new Relay(log, nc, publisher, states, {
    unclaimedMs: config.unclaimedMs,
    replicas: config.natsReplicas,
    log: logger,
  });
  const bucket = new ProgressBucket({
    nc,
    logger,
    replicas: config.natsReplicas,
    entryOf: (stream) => progressEntry(runs, stream, new Date()),
  });
  const feed = new LogFeed(log);
  const pods = new PodDesk(states, {
    signing: config.podSigning,
    now: Date.now,
    maxPayload: () => maxPayload(nc),
  });
  const api = composeApi({
    log,
    writer,
    runs,
    sources: providerSourceAccess,
    workers: new NatsWorkerAccess(nc),
    extents: imageExtents,
    podCredentials: () => (pods.isSetUp ? 'set-up' : 'not-set-up'),
    installation: config.installation,
  });
  const { catalog, inventory, plans } = api;
  const app = await NestFactory.create<NestExpressApplication>(
    {
      module: PlannerModule,
      imports: [
        ApiModule.of(api),
        BusModule.of(states, desk, pods),
        HealthModule.of(() => (isConnected ? [] : ['NATS is not connected'])),
      ],
    },
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
    { strategy: new JetStreamServer({ nc, consumers, logger, answers: () => log.owns() }) },
    { inheritAppConfig: false, deferInitialization: true },
  );
  bus.useGlobalFilters(new BusErrorFilter());

  feed.add((event) => keeper.restore(event));
  feed.add((event) => states.restore(event));
  feed.add((event) => api.apply(event));
  feed.add((event) => board.apply(event));
  feed.add((event) => relay.offer(event));
  feed.add((event) => processes.follow(event));
  await feed.start();
  keeper.begin();
  desk.restore();
  relay.start();
  // Only open VMs and, from here on, VMs with new events: those that ended earlier need no update.
  for (const stream of states.index.open) bucket.touch(stream);
  feed.add(({ stream }) => {
    if (isVmStream(stream)) bucket.touch(stream);
  });
  bucket.start();
  board.listen(nc, (stream) => bucket.touch(stream));
  await processes.begin();
  await plans.reconcile(systemContext('plans'));
  await app.startAllMicroservices();
  await keeper.tick();
  await start.close();
  await app.listen(config.http.port, config.http.host);
  inventory.onReturn((provider) => {
    logger.info({ provider }, 'a provider can be read again; removing resources that clean-ups left there');
    plans
      .removeLeftovers(systemContext('plans'), new Date(), provider)
      .catch((error: unknown) => failed('removing leftovers', error));
  });
  logger.info({ url: await app.getUrl(), log: place }, 'planner started');

  const every = (ms: number, what: string, run: () => Promise<void>): NodeJS.Timeout =>
    setInterval(() => void run().catch((error: unknown) => failed(what, error)), ms);
  const timers = [
    // First, because the others must not count time in which the planner was away.
    every(TICK_MS, 'looking whether the planner can be reached', () => keeper.tick()),
    every(TICK_MS, 'ending expired leases', () => desk.expire()),
    every(TICK_MS, 'publishing unclaimed requests again', () => relay.republishUnclaimed(Date.now())),
    every(LOSSES_MS, 'looking for events that NATS lost', () => relay.lookForLosses()),
    every(RECONCILE_MS, 'reconciling', () => processes.reconcile()),
    every(LEFTOVERS_MS, 'removing leftovers', async () => {
      const providers = await plans.removeLeftovers(systemContext('plans'), new Date());
      for (const each of catalog.providers()) if (providers.has(each.id)) inventory.follow(each);
    }),
  ];
  return {
    stop: async () => {
      for (const timer of timers) clearInterval(timer);
      processes.stop();
      await keeper.stopped().catch((error: unknown) => failed('recording the stop', error));
      await app.close();
      inventory.close();
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

/** Calls `tell` each time the connection to NATS is lost or restored. */
async function watchConnection(nc: NatsConnection, tell: (isConnected: boolean) => void): Promise<void> {
  for await (const { type } of nc.status()) {
    if (type === 'disconnect') tell(false);
    else if (type === 'reconnect') tell(true);
  }
}
