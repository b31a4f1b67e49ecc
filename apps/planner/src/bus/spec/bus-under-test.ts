import { readFile, writeFile } from 'node:fs/promises';
import {
  PodCredentialAnswer,
  type PodCredentialRequest,
  ScheduleLimits,
  subjects,
} from '@ledgerlift/contracts';
import { openTemporaryLog } from '@ledgerlift/event-log/contract';
import {
  BusErrorFilter,
  EventPublisher,
  JetStreamServer,
  deadLetterConsumer,
  maxPayload,
  reportConsumer,
} from '@ledgerlift/messaging';
import { openAttempt } from '@ledgerlift/migration';
import { factsWith, resolvePlan, webVm } from '@ledgerlift/planning/spec';
import {
  type NatsServer,
  type TemporaryFolder,
  startNats,
  temporaryFolder,
  until,
} from '@ledgerlift/testing';
import { type KeyPair, createUser, fmtCreds } from '@nats-io/jwt';
import type { NatsConnection } from '@nats-io/nats-core';
import { connect, credsAuthenticator } from '@nats-io/transport-node';
import type { INestMicroservice } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import { LogEventWriter } from '../../log/event-writer.js';
import { RunsUnderTest } from '../../runs/spec/runs-under-test.js';
import { systemContext } from '../../runs/stream-names.js';
import { BusModule } from '../bus.module.js';
import { LeaseService } from '../lease-service.js';
import { PodDesk } from '../pod-desk.js';
import type { PodSigning } from '../pod-credentials.js';
import { ProgressBoard } from '../progress-board.js';
import { Relay } from '../relay.js';

const silent = { info: () => undefined, warn: () => undefined };

/** Has all steps of a VM that is planned done at one site, as a target has it whose workers are pods. */
class SiteWriter extends LogEventWriter {
  site = 'local';

  override append(...[stream, expected, events, context]: Parameters<LogEventWriter['append']>) {
    const moved = events.map((event) =>
      event.type === 'VmMigrationPlanned'
        ? {
            ...event,
            data: {
              ...event.data,
              itinerary: event.data.itinerary.map((step) => ({ ...step, site: this.site })),
            },
          }
        : event,
    );
    return super.append(stream, expected, moved, context);
  }
}

/** The planner's side of the bus, on a real nats-server whose users show JWTs. */
export class BusUnderTest {
  readonly #connections: NatsConnection[] = [];

  private constructor(
    readonly nats: NatsServer,
    /** With the permissions of a service. */
    readonly nc: NatsConnection,
    readonly decided: RunsUnderTest,
    readonly board: ProgressBoard,
    private readonly writer: SiteWriter,
    readonly folder: TemporaryFolder,
    readonly signing: { -readonly [key in keyof PodSigning]: PodSigning[key] },
    private readonly end: () => Promise<void>,
  ) {}

  static async start(): Promise<BusUnderTest> {
    const nats = await startNats({ operator: true });
    const { servicesCreds = '', signingSeedFile, account } = nats.operator ?? {};
    const authenticator = credsAuthenticator(await readFile(servicesCreds));
    const nc = await connect({ servers: nats.url, authenticator });
    const { log, destroy } = await openTemporaryLog();
    const writer = new SiteWriter(log);
    const board = new ProgressBoard();
    const decided = new RunsUnderTest(log, writer, {
      limits: ScheduleLimits.parse({ vms: 1000 }),
      progressOf: (stream) => board.of(stream),
      failed: () => undefined,
    });
    const { states } = decided;
    const desk = new LeaseService(states, { leaseMs: 6000, now: Date.now, isAway: () => false });
    const signing: BusUnderTest['signing'] = { seedFile: signingSeedFile, account };
    const pods = new PodDesk(states, { signing, now: Date.now, maxPayload: () => maxPayload(nc) });
    const publisher = new EventPublisher({ nc, installation: 'spec' });
    const relay = new Relay(log, nc, publisher, states, { unclaimedMs: 60_000, log: silent });
    decided.feed.add((event) => relay.offer(event));
    await decided.begin();
    relay.start();
    board.listen(nc, () => undefined);
    const consumers = { reports: { spec: reportConsumer }, dead: { spec: deadLetterConsumer } };
    const app: INestMicroservice = await NestFactory.createMicroservice<MicroserviceOptions>(
      BusModule.of(states, desk, pods),
      { strategy: new JetStreamServer({ nc, consumers }), logger: false },
    );
    app.useGlobalFilters(new BusErrorFilter());
    await app.listen();
    return new BusUnderTest(nats, nc, decided, board, writer, temporaryFolder('pods'), signing, async () => {
      decided.processes.stop();
      await app.close();
      await relay.stop();
      await decided.feed.stop();
      board.close();
      await nc.close();
      await nats.stop();
      await destroy();
    });
  }

  async stop(): Promise<void> {
    for (const nc of this.#connections) await nc.close();
    await this.end();
    await this.folder.remove();
  }

  /** @returns the stream of a VM whose first step is asked of a site */
  async askedOf(site: string): Promise<string> {
    const plan = resolvePlan(factsWith([webVm], { spec: { maxConcurrentMigrations: 1000 } }), 'spec', []);
    if (plan === undefined) throw new Error('the plan cannot be resolved');
    this.writer.site = site;
    const migrationId = await this.decided.runs.start(plan, systemContext('spec'));
    const stream = `vm-${migrationId}-0`;
    await until('the request', () => this.decided.states.index.requested.has(stream));
    return stream;
  }

  /** A VM whose first step is asked of a pod, and that pod. */
  async podOf(site: string): Promise<{ readonly stream: string; readonly pod: Pod }> {
    const stream = await this.askedOf(site);
    return { stream, pod: podFor(stream, site) };
  }

  /** What the planner answers to the services. */
  async ask(subject: string, body: unknown): Promise<Record<string, unknown>> {
    return (await this.nc.request(subject, JSON.stringify(body), { timeout: 10_000 })).json();
  }

  async credential({ request }: Pod): Promise<PodCredentialAnswer> {
    return PodCredentialAnswer.parse(await this.ask(subjects.podCredential('local'), request));
  }

  /** The user JWT of a pod that is to get one. */
  async granted(pod: Pod): Promise<string> {
    const answer = await this.credential(pod);
    if (!answer.granted) throw new Error(answer.reason);
    return answer.userJwt;
  }

  /** Step and status of the attempt that is open. */
  open(stream: string): string {
    const state = this.decided.states.vm(stream);
    const attempt = state && openAttempt(state);
    return attempt === undefined ? 'none' : `${attempt.step} ${attempt.status}`;
  }

  /** Connects with a credential, and notes what NATS refuses. */
  async connect(userJwt: string, user: KeyPair): Promise<PodConnection> {
    const nc = await connect({
      servers: this.nats.url,
      authenticator: credsAuthenticator(fmtCreds(userJwt, user)),
      inboxPrefix: `_INBOX.${user.getPublicKey()}`,
      reconnect: false,
    });
    this.#connections.push(nc);
    return new PodConnection(nc);
  }

  async credsFile(userJwt: string, user: KeyPair): Promise<string> {
    const path = this.folder.file(`${user.getPublicKey()}.creds`);
    await writeFile(path, fmtCreds(userJwt, user), { mode: 0o600 });
    return path;
  }
}

/** A pod's connection, and what NATS told it that it may not do. */
export class PodConnection {
  readonly refused: string[] = [];

  constructor(readonly nc: NatsConnection) {
    void this.#note();
  }

  /** @returns whether NATS refuses to take a message there */
  async isRefusedToPublish(subject: string, payload = ''): Promise<boolean> {
    this.nc.publish(subject, payload);
    return this.#isRefused('publish', subject);
  }

  async isRefusedToSubscribe(subject: string): Promise<boolean> {
    const subscription = this.nc.subscribe(subject, { callback: () => undefined });
    const refused = await this.#isRefused('subscription', subject);
    subscription.unsubscribe();
    return refused;
  }

  async #isRefused(operation: string, subject: string): Promise<boolean> {
    await this.nc.flush();
    // What the server refused it said before it answered the flush; the client tells it a moment later.
    await new Promise((resolve) => setImmediate(resolve));
    return this.refused.includes(`${operation} ${subject}`);
  }

  async #note(): Promise<void> {
    for await (const status of this.nc.status()) {
      if (status.type !== 'error' || !('operation' in status.error) || !('subject' in status.error)) continue;
      this.refused.push(`${String(status.error.operation)} ${String(status.error.subject)}`);
    }
  }
}

interface Pod {
  readonly user: KeyPair;
  readonly request: PodCredentialRequest;
}

/** A pod that is to do the first step of a VM. */
function podFor(stream: string, site: string): Pod {
  const user = createUser();
  return {
    user,
    request: { stream, step: 'Initialize', attempt: 1, site, userPublicKey: user.getPublicKey() },
  };
}

/** The first attempt at the first step of a VM. */
export const refOf = (stream: string) =>
  ({ stream, step: 'Initialize', attempt: 1, worker: 'transfer/spec/1' }) as const;
