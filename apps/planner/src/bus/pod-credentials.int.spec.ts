/**
 * Nest loads CommonJS packages, which must not be given their ES modules.
 *
 * @jest-environment-options {"customExportConditions": ["@ledgerlift/source", "node"]}
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  ClaimAnswer,
  cloudEventType,
  type Resource,
  type StepResult,
  WORKER_PROTOCOL,
  streams,
  subjects,
} from '@ledgerlift/contracts';
import {
  deadLetterConsumer,
  listDeadLetters,
  replayDeadLetter,
  stepRequestConsumer,
} from '@ledgerlift/messaging';
import { until } from '@ledgerlift/testing';
import { startWorker } from '@ledgerlift/worker';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { createUser } from '@nats-io/jwt';
import { mintPodCredential, readSigner } from './pod-credentials.js';
import { BusUnderTest, type PodConnection, refOf } from './spec/bus-under-test.js';

const SITE = 'local.vm-1';
const OTHER_SITE = 'local.vm-2';
const EVENTS = streams.events.name;
const folder: Resource = { kind: 'folder', name: 'web', service: 'transfer', lifetime: 'temporary' };

let bus: BusUnderTest;
beforeAll(async () => {
  bus = await BusUnderTest.start();
});
afterAll(() => bus.stop());

/** What a worker would send to REPORTS, with any data. */
const reportEvent = (stream: string, data: object) => ({
  specversion: '1.0',
  id: crypto.randomUUID(),
  source: '/ledgerlift/spec/vm',
  type: cloudEventType('StepReported', 1),
  subject: stream,
  time: new Date().toISOString(),
  datacontenttype: 'application/json',
  correlationid: 'spec',
  causationid: 'spec',
  data,
});

describe('a worker with the credential of its pod', () => {
  it('does the attempt of its VM, from the claim to the end, and NATS refuses it nothing', async () => {
    const { stream, pod } = await bus.podOf(SITE);
    const creds = await bus.credsFile(await bus.granted(pod), pod.user);
    const result: StepResult = { step: 'Initialize', powerState: 'on', fingerprint: 'f' };
    const seen = Promise.withResolvers<void>();
    const worker = await startWorker({
      service: 'transfer',
      env: {
        LEDGERLIFT_NATS_URL: bus.nats.url,
        LEDGERLIFT_NATS_CREDS: creds,
        LEDGERLIFT_SITE: SITE,
        LEDGERLIFT_LOG_LEVEL: 'silent',
      },
      handlers: {
        Initialize: async (attempt) => {
          // By request and answer; what follows goes by progress and by REPORTS.
          await attempt.claim([folder]);
          attempt.progress([], 'looking');
          await seen.promise;
          await attempt.released([{ resource: folder, how: 'removed' }]);
          return result;
        },
      },
    });
    const refused: string[] = [];
    void (async () => {
      for await (const status of worker.nc.status())
        if (status.type === 'error') refused.push(status.error.message);
    })();
    await until('the progress', () => bus.board.of(stream)?.message === 'looking');
    expect(bus.open(stream)).toBe('Initialize started');
    const tools = await bus.nc.request(subjects.capabilities('transfer', SITE), '', { timeout: 10_000 });
    expect(tools.json()).toMatchObject({ service: 'transfer', site: SITE, worker: worker.workerId });
    const leases = bus.nc.subscribe(subjects.lease(stream), { max: 1 });
    for await (const _ of leases) break;
    seen.resolve();
    await until('the end', () => bus.open(stream) !== 'Initialize started');
    expect(bus.decided.states.vm(stream)?.results).toEqual([result]);
    const jsm = await jetstreamManager(bus.nc);
    const { durable } = stepRequestConsumer('transfer', SITE);
    await until('the request acked', async () => {
      const { ack_floor } = await jsm.consumers.info(EVENTS, durable);
      return ack_floor.consumer_seq > 0;
    });
    await worker.stop();
    expect(refused).toEqual([]);
  });

  it('is told to stop', async () => {
    const { stream, pod } = await bus.podOf(SITE);
    const { nc, refused } = await bus.connect(await bus.granted(pod), pod.user);
    const stops = nc.subscribe(subjects.stop(stream), { max: 1 });
    await nc.flush();
    bus.nc.publish(subjects.stop(stream), '{"reason":"canceled"}');
    for await (const message of stops) expect(message.json()).toEqual({ reason: 'canceled' });
    expect(refused).toEqual([]);
  });

  it('buries what it cannot understand, so that its attempt fails', async () => {
    const { stream, pod } = await bus.podOf(OTHER_SITE);
    const creds = await bus.credsFile(await bus.granted(pod), pod.user);
    const worker = await startWorker({
      service: 'transfer',
      env: {
        LEDGERLIFT_NATS_URL: bus.nats.url,
        LEDGERLIFT_NATS_CREDS: creds,
        LEDGERLIFT_SITE: OTHER_SITE,
        LEDGERLIFT_LOG_LEVEL: 'silent',
      },
      handlers: {},
    });
    await until('the failure', () => bus.decided.states.vm(stream)?.attempts[0]?.status === 'failed');
    await worker.stop();
    expect(bus.decided.states.vm(stream)?.attempts[0]?.error).toMatchObject({ code: 'LL-BUS-004' });
  });
});

describe('the credential of a pod', () => {
  let own: string;
  let other: string;
  let connection: PodConnection;
  /** What another worker could be asked, heard with the permissions of a service. */
  const heard: string[] = [];
  beforeAll(async () => {
    const [mine, theirs] = [await bus.podOf('local.vm-3'), await bus.podOf('local.vm-4')];
    own = mine.stream;
    other = theirs.stream;
    connection = await bus.connect(await bus.granted(mine.pod), mine.pod.user);
  });

  const claimed = (stream: string): string => JSON.stringify({ ...refOf(stream), protocol: WORKER_PROTOCOL });
  const durable = (site: string): string => stepRequestConsumer('transfer', site).durable;
  const filter = (site: string): string => stepRequestConsumer('transfer', site).filter;
  const create = `$JS.API.CONSUMER.CREATE.${EVENTS}`;

  it.each<[string, () => string]>([
    ['claim', () => subjects.claim(other)],
    ['claim as older workers do', () => subjects.bare.claim],
    ['lease', () => subjects.lease(other)],
    ['lease as older workers do', () => subjects.bare.lease],
    ['report by request', () => subjects.reportNow(other)],
    ['report by request as older workers do', () => subjects.bare.reportNow],
    ['report', () => subjects.report(other)],
    ['progress', () => subjects.progress(other)],
    ['stop of another VM', () => subjects.stop(other)],
    ['stop of its own', () => subjects.stop(own)],
    ['event of its own VM', () => subjects.event(own, 'VmMigrationSucceeded')],
    ['request of its own VM', () => subjects.stepRequested(own, 'transfer', 'local.vm-3')],
    ['request of another VM', () => subjects.stepRequested(other, 'transfer', 'local')],
    ['dead letter about another VM', () => subjects.deadOf(EVENTS, other)],
    ['dead letter as older workers do', () => subjects.dead(EVENTS)],
    ['credential of a pod', () => subjects.podCredential('local')],
    ['capabilities', () => subjects.capabilities('transfer', 'local')],
    ['the API', () => subjects.api('plans', 'list')],
    ['what other systems ask', () => 'ledgerlift.inbox.anything'],
    ['an inbox of another', () => '_INBOX.other.1'],
    ['the progress bucket', () => '$KV.LEDGERLIFT_PROGRESS.m.0'],
    ['JetStream itself', () => '$JS.API.INFO'],
    ['streams', () => '$JS.API.STREAM.NAMES'],
    ['a stream', () => `$JS.API.STREAM.INFO.${EVENTS}`],
    ['a new stream', () => '$JS.API.STREAM.CREATE.COPY'],
    ['the end of a stream', () => `$JS.API.STREAM.DELETE.${EVENTS}`],
    ['a purge', () => `$JS.API.STREAM.PURGE.${EVENTS}`],
    ['a message of a stream', () => `$JS.API.STREAM.MSG.GET.${EVENTS}`],
    ['a message directly', () => `$JS.API.DIRECT.GET.${EVENTS}`],
    [
      'a message directly, by subject',
      () => `$JS.API.DIRECT.GET.${EVENTS}.${subjects.event(other, 'StepStarted')}`,
    ],
    ['consumers', () => `$JS.API.CONSUMER.NAMES.${EVENTS}`],
    ['the end of a consumer', () => `$JS.API.CONSUMER.DELETE.${EVENTS}.${durable('local')}`],
    ['the end of its own consumer', () => `$JS.API.CONSUMER.DELETE.${EVENTS}.${durable('local.vm-3')}`],
    ['a consumer without a filter', () => `${create}.${durable('local.vm-3')}`],
    [
      'a consumer of the old kind',
      () => `$JS.API.CONSUMER.DURABLE.CREATE.${EVENTS}.${durable('local.vm-3')}`,
    ],
    ['a nameless consumer', () => create],
    ["another's filter", () => `${create}.${durable('local.vm-3')}.${filter('local')}`],
    ['the filter of another pod', () => `${create}.${durable('local.vm-3')}.${filter('local.vm-4')}`],
    ['all events', () => `${create}.${durable('local.vm-3')}.ledgerlift.events.>`],
    ["another's consumer", () => `${create}.${durable('local')}.${filter('local.vm-3')}`],
    [
      'a consumer of reports',
      () => `$JS.API.CONSUMER.CREATE.${streams.reports.name}.x.${subjects.report(own)}`,
    ],
    ["a pull from another's consumer", () => `$JS.API.CONSUMER.MSG.NEXT.${EVENTS}.${durable('local')}`],
    ["an ack for another's consumer", () => `$JS.ACK.${EVENTS}.${durable('local')}.1.1.1.1.0`],
    ['the system', () => '$SYS.REQ.SERVER.PING'],
  ])('does not let it publish: %s', async (_what, subject) => {
    expect(await connection.isRefusedToPublish(subject(), '{}')).toBe(true);
  });

  it.each<[string, () => string]>([
    ['everything', () => '>'],
    ['all of ours', () => 'ledgerlift.>'],
    ['events', () => 'ledgerlift.events.>'],
    ['events of its own VM', () => subjects.event(own, '>')],
    ['claims', () => subjects.claim(other)],
    ['claims of its own VM', () => subjects.claim(own)],
    ['reports', () => subjects.reports],
    ['progress', () => subjects.allProgress],
    ['stop of another VM', () => subjects.stop(other)],
    ['stop of all', () => 'ledgerlift.stop.>'],
    ['credentials of pods', () => subjects.allPodCredentials],
    ['capabilities of its site', () => subjects.capabilities('transfer', 'local')],
    ['capabilities of a service that it is not', () => subjects.capabilities('external', 'local.vm-3')],
    ['the API', () => 'ledgerlift.api.>'],
    ['what other systems ask', () => 'ledgerlift.inbox.>'],
    ['inboxes', () => '_INBOX.>'],
    ['an inbox of another', () => `_INBOX.${createUser().getPublicKey()}.>`],
    ['acks', () => '$JS.ACK.>'],
    ['the progress bucket', () => '$KV.>'],
    ['advisories', () => '$JS.EVENT.>'],
  ])('does not let it listen to: %s', async (_what, subject) => {
    expect(await connection.isRefusedToSubscribe(subject())).toBe(true);
  });

  it('lets it go on after what was refused', async () => {
    expect(await connection.isRefusedToPublish(subjects.claim(other), claimed(other))).toBe(true);
    const { nc } = connection;
    const answer = await nc.request(subjects.claim(own), claimed(own), { timeout: 10_000 });
    expect(ClaimAnswer.parse(answer.json())).toMatchObject({ answer: 'granted' });
    expect(bus.open(other)).toBe('Initialize requested');
  });

  it('does not let it speak of another VM on its own subjects', async () => {
    const { nc } = connection;
    const about = { ...refOf(other), protocol: WORKER_PROTOCOL };
    const report = {
      ref: refOf(other),
      number: 1,
      claimed: [],
      released: [],
      conditions: [],
      checkpoints: [],
    };
    for (const [subject, body] of [
      [subjects.claim(own), about],
      [subjects.lease(own), about],
      [subjects.reportNow(own), report],
    ] as const) {
      const answer = await nc.request(subject, JSON.stringify(body), { timeout: 10_000 });
      expect(answer.json()).toMatchObject({ error: { code: 'LL-BUS-015' } });
    }
    expect(bus.open(other)).toBe('Initialize requested');
  });

  it('does not let it say the progress of another VM', async () => {
    const at = new Date().toISOString();
    const of = (stream: string) => JSON.stringify({ ref: refOf(stream), items: [], message: 'mine', at });
    connection.nc.publish(subjects.progress(own), of(other));
    connection.nc.publish(subjects.progress(own), of(own));
    await until('its own progress', () => bus.board.of(own) !== undefined);
    expect(bus.board.of(other)).toBeUndefined();
  });

  it('does not let it report on another VM: such a report is in DEAD', async () => {
    const ref = refOf(other);
    const { answer } = ClaimAnswer.parse(
      await bus.ask(subjects.claim(other), { ...ref, protocol: WORKER_PROTOCOL }),
    );
    expect(answer).toBe('granted');
    const error = { code: 'LL-BUS-014', class: 'permanent', message: 'forged' };
    const data = {
      ...{ ref, number: 1, claimed: [], released: [], conditions: [], checkpoints: [] },
      outcome: { kind: 'failed', error },
    };
    await jetstream(connection.nc).publish(subjects.report(own), JSON.stringify(reportEvent(own, data)));
    const letters = async () => (await listDeadLetters(bus.nc)).map(({ letter }) => letter);
    await until('the dead letter', async () =>
      (await letters()).some(
        ({ code, subject }) => code === 'LL-BUS-015' && subject === subjects.report(own),
      ),
    );
    expect(bus.open(other)).toBe('Initialize started');
  });

  it('does not let it bury the request of another VM, nor have us send a letter to another', async () => {
    const { stream } = await bus.podOf('local.vm-5');
    const request = reportEvent(stream, {
      step: 'Initialize',
      attempt: 1,
      service: 'transfer',
      site: 'local',
    });
    const letter = {
      ...{ reason: 'forged', code: 'LL-BUS-001', stream: EVENTS, sequence: 1, at: new Date().toISOString() },
      subject: subjects.stepRequested(stream, 'transfer', 'local'),
      original: Buffer.from(JSON.stringify(request)).toString('base64'),
    };
    const { seq } = await jetstream(connection.nc).publish(
      subjects.deadOf(EVENTS, own),
      JSON.stringify(letter),
    );
    const jsm = await jetstreamManager(bus.nc);
    await until('the letter read', async () => {
      const { ack_floor } = await jsm.consumers.info(streams.dead.name, deadLetterConsumer.durable);
      return ack_floor.stream_seq >= seq;
    });
    expect(bus.open(stream)).toBe('Initialize requested');
    await expect(replayDeadLetter(bus.nc, seq)).rejects.toMatchObject({ code: 'LL-BUS-015' });
  });

  it('does not let it have its consumer see what others are asked', async () => {
    const name = durable('local.vm-3');
    const subject = `${create}.${name}.${filter('local.vm-3')}`;
    const config = { durable_name: name, ack_policy: 'explicit', deliver_policy: 'all' };
    const tried = [
      { ...config, filter_subject: filter('local') },
      { ...config, filter_subjects: [filter('local'), filter('local.vm-4')] },
      config,
      { ...config, durable_name: durable('local'), filter_subject: filter('local.vm-3') },
    ];
    for (const each of tried) {
      const body = JSON.stringify({ stream_name: EVENTS, config: each });
      const answer = await connection.nc.request(subject, body, { timeout: 10_000 });
      expect(answer.json()).toHaveProperty('error');
    }
    const elsewhere = {
      stream_name: streams.reports.name,
      config: { ...config, filter_subject: filter('local.vm-3') },
    };
    const answer = await connection.nc.request(subject, JSON.stringify(elsewhere), { timeout: 10_000 });
    expect(answer.json()).toHaveProperty('error');
  });

  it('does not let it have its answers sent to where they mean something', async () => {
    bus.nc.subscribe('ledgerlift.>', { callback: (_error, { subject }) => void heard.push(subject) });
    await bus.nc.flush();
    connection.nc.publish(subjects.lease(own), claimed(own), { reply: subjects.stop(other) });
    // Answered after the one before it.
    await connection.nc.request(subjects.lease(own), claimed(own), { timeout: 10_000 });
    await bus.nc.flush();
    expect(heard).toContain(subjects.lease(own));
    // The refusal has a reason, as a stop has.
    expect(heard).not.toContain(subjects.stop(other));
  });

  it('ends', async () => {
    const { stream, pod } = await bus.podOf('local.vm-6');
    const signer = await readSigner(bus.signing);
    const options = {
      ...{ stream, site: 'local.vm-6', services: ['transfer'] as const, maxPayload: 1_000_000 },
      userPublicKey: pod.user.getPublicKey(),
      lifetimeMs: 60_000,
    };
    const ended = await mintPodCredential(signer, { ...options, now: Date.now() - 61_000 });
    await expect(bus.connect(ended, pod.user)).rejects.toThrow(/authorization|expired/i);
    const lives = await mintPodCredential(signer, { ...options, now: Date.now() });
    expect((await bus.connect(lives, pod.user)).refused).toEqual([]);
    await expect(bus.connect(lives, createUser())).rejects.toThrow(/authorization/i);
  });
});
