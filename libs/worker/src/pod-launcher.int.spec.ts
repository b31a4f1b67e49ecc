import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { LedgerliftError, PodCredentialRequest, StepRequestedData, subjects } from '@ledgerlift/contracts';
import {
  EventPublisher,
  JetStreamServer,
  type Received,
  ensureStreams,
  podRequestConsumer,
  silentLogger,
} from '@ledgerlift/messaging';
import { NatsPeer, storedEvent, until, vmRecord } from '@ledgerlift/testing';
import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import type { MessageHandler } from '@nestjs/microservices';
import { FakePlanner } from './spec-peers/fake-planner.js';
import { expiryIn, keyIn } from './planner-client.js';
import { type EnsurePod, PodLauncher, type PodWanted } from './pod-launcher.js';

const POD = 'edge.web-1';
const HOUR = 60 * 60_000;
const STREAM = 'vm-m1-0';
const record = vmRecord({ record: { targetName: 'of-the-planner' } });

let nats: NatsPeer;
let nc: NatsConnection;
let planner: FakePlanner;
let publisher: EventPublisher;
let closers: (() => Promise<void>)[];
/** Requests for credentials that the planner got. */
let asked: PodCredentialRequest[];
let grants: (request: PodCredentialRequest) => object;
let now: number;

const request = (site: string, attempt = 1) =>
  storedEvent(
    'StepRequested',
    { step: 'DiskTransfer', attempt, service: 'transfer', site },
    { stream: STREAM },
  );

/** Signed by nobody: a launcher hands it on. */
const jwt = (of: PodCredentialRequest, exp: number): string =>
  `e30.${Buffer.from(JSON.stringify({ sub: of.userPublicKey, exp: exp / 1000 })).toString('base64url')}.s`;
const granted = (of: PodCredentialRequest): object => ({
  granted: true,
  record,
  userJwt: jwt(of, now + 12 * HOUR),
  expiresAt: new Date(now + 12 * HOUR).toISOString(),
  services: ['transfer'],
});

async function launcher(ensure: EnsurePod, name = 'a', askMs = 15_000) {
  const own = await nats.connect();
  const pods = new PodLauncher({
    nc: own,
    site: 'edge',
    workerId: `vm-creator/${name}/1`,
    ensure,
    logger: silentLogger,
    now: () => now,
    askMs,
  });
  const server = new JetStreamServer({
    nc: own,
    consumers: { pods: { spec: podRequestConsumer('edge'), concurrency: 8 } },
  });
  const onRequest: MessageHandler = async (received: Received<StepRequestedData>) =>
    (await pods.handle(received)) as never;
  server.addHandler('pods', onRequest, true, { schema: StepRequestedData });
  server.listen(() => undefined);
  const stop = async (): Promise<void> => {
    await Promise.all([server.close(), pods.shutdown()]);
  };
  closers.push(stop);
  return { stop };
}

/** Records each call, and the requests within it. */
function ensuring(within: (wanted: PodWanted) => Promise<unknown> = () => Promise.resolve()) {
  const calls: PodWanted[] = [];
  const ensure: EnsurePod = async (wanted) => {
    calls.push(wanted);
    await within(wanted);
    return 'starting';
  };
  return { calls, ensure };
}

const waiting = async (): Promise<number> => {
  const jsm = await jetstreamManager(nc);
  const { num_ack_pending: unacked, num_pending: unread } = await jsm.consumers.info(
    'LEDGERLIFT_EVENTS',
    'pods-edge',
  );
  return unacked + unread;
};
const untilAcked = (): Promise<void> => until('every message is acked', async () => (await waiting()) === 0);

function answerCredentials(): void {
  nc.subscribe(subjects.podCredential('edge'), {
    callback: (_error, message) => {
      const of = PodCredentialRequest.parse(message.json());
      asked.push(of);
      message.respond(JSON.stringify(grants(of)));
    },
  });
}

beforeEach(async () => {
  closers = [];
  asked = [];
  grants = granted;
  now = Date.parse('2026-01-01T00:00:00Z');
  nats = await NatsPeer.start();
  nc = await nats.connect();
  await ensureStreams(nc);
  planner = new FakePlanner(nc);
  planner.leaseMs = 5000;
  publisher = new EventPublisher({ nc, installation: 'spec' });
});
afterEach(async () => {
  for (const close of closers) await close();
  await planner.close();
  await nats.stop();
});

class NoRoom extends LedgerliftError {
  readonly code = 'LL-SPEC-001';
  override readonly failure = 'needs-operator';
}
class Away extends LedgerliftError {
  readonly code = 'LL-SPEC-002';
  override readonly failure = 'transient';
}

describe('the launcher of pods', () => {
  beforeEach(() => {
    answerCredentials();
  });

  it("has the requested pod made, with the planner's record, and leaves the attempt to the pod", async () => {
    const { calls, ensure } = ensuring();
    await launcher(ensure);
    await publisher.publish([request(POD, 3)]);
    await until('the pod is made', () => calls.length === 1);
    expect(calls[0]).toMatchObject({ record, generation: 3, site: 'edge' });
    expect(asked[0]).toMatchObject({ stream: STREAM, step: 'DiskTransfer', attempt: 3, site: POD });
    await untilAcked();
    expect(planner.claims).toEqual([]);
  });

  it('gets neither requests for pods of other sites nor requests for its own site', async () => {
    const { calls, ensure } = ensuring();
    await launcher(ensure);
    await publisher.publish([request('other.web-1', 1), request('edge', 2), request(POD, 3)]);
    await until('the pod is made', () => calls.length === 1);
    await untilAcked();
    expect(calls.map(({ generation }) => generation)).toEqual([3]);
    expect(asked.map(({ site }) => site)).toEqual([POD]);
  });

  it('has nothing made for an attempt that has ended', async () => {
    grants = () => ({ granted: false, reason: 'it is over' });
    const { calls, ensure } = ensuring();
    await launcher(ensure);
    await publisher.publish([request(POD)]);
    await until('the planner is asked', () => asked.length === 1);
    await untilAcked();
    expect([calls, planner.claims]).toEqual([[], []]);
  });

  it.each(['stillOurs', 'credential'] as const)(
    'stops where the attempt ends meanwhile: %s',
    async (what) => {
      const reached: string[] = [];
      const { ensure } = ensuring(async (wanted) => {
        grants = () => ({ granted: false, reason: 'it is over' });
        await (what === 'stillOurs' ? wanted.stillOurs() : wanted.credential(undefined));
        reached.push('made');
      });
      await launcher(ensure);
      await publisher.publish([request(POD)]);
      await until('the planner is asked twice', () => asked.length === 2);
      await untilAcked();
      expect([reached, planner.claims]).toEqual([[], []]);
    },
  );

  it.each([
    [
      'that waits for an operator',
      new NoRoom('no room'),
      { code: 'LL-SPEC-001', class: 'needs-operator', message: 'no room' },
    ],
    ['that may pass', new Away('away'), { code: 'LL-SPEC-002', class: 'transient', message: 'away' }],
    [
      'that nobody expected',
      new Error('boom'),
      { code: 'LL-BUS-014', class: 'transient', message: 'unexpected: boom' },
    ],
  ])('fails the attempt with an error %s', async (_, error, expected) => {
    const { ensure } = ensuring(() => Promise.reject(error));
    await launcher(ensure);
    await publisher.publish([request(POD)]);
    await until('the outcome', () => planner.reported(STREAM)?.outcome !== undefined);
    expect(planner.reported(STREAM)).toMatchObject({
      ref: { stream: STREAM, step: 'DiskTransfer', attempt: 1, worker: 'vm-creator/a/1' },
      outcome: { kind: 'failed', error: expected },
    });
    await untilAcked();
  });

  it('leaves alone an attempt that its pod has claimed meanwhile', async () => {
    const ref = { stream: STREAM, step: 'DiskTransfer', attempt: 1, worker: 'transfer/pod/1' } as const;
    planner.started.set(`${STREAM}/1`, ref);
    const { ensure } = ensuring(() => Promise.reject(new NoRoom('no room')));
    await launcher(ensure);
    await publisher.publish([request(POD)]);
    await until('the claim', () => planner.claims.length === 1);
    await untilAcked();
    expect(planner.reported(STREAM)).toBeUndefined();
  });

  it('checks the pod again each time the request is published', async () => {
    const { calls, ensure } = ensuring();
    await launcher(ensure);
    const event = request(POD);
    await publisher.publish([event]);
    await until('the pod is made', () => calls.length === 1);
    await publisher.republish(event, event);
    await until('the pod is seen to', () => calls.length === 2);
  });

  it('keeps a credential while it lasts, and renews it for the same key', async () => {
    const given: string[] = [];
    const { calls, ensure } = ensuring(async ({ credential }) => {
      given.push(await credential(given.at(-1)));
    });
    await launcher(ensure);
    const event = request(POD);
    const again = async (times: number): Promise<void> => {
      await (times === 1 ? publisher.publish([event]) : publisher.republish(event, event));
      await until('it is given', () => given.length === times && calls.length === times);
    };
    await again(1);
    const [first = ''] = given;
    expect(keyIn(first)?.publicKey).toBe(asked.at(-1)?.userPublicKey);
    expect(expiryIn(first)).toBe(now + 12 * HOUR);
    now += 6 * HOUR - 1000;
    await again(2);
    expect(given[1]).toBe(first);
    now += 1000;
    await again(3);
    const third = given[2] ?? '';
    expect(keyIn(third)).toEqual(keyIn(first));
    expect(expiryIn(third)).toBe(now + 12 * HOUR);
    expect(asked.at(-1)?.userPublicKey).toBe(keyIn(first)?.publicKey);
  });

  it('makes a new key if the given text is not a credential', async () => {
    const given: string[] = [];
    const { ensure } = ensuring(async ({ credential }) => {
      given.push(await credential('torn'));
    });
    await launcher(ensure);
    await publisher.publish([request(POD)]);
    await until('it is given', () => given.length === 1);
    expect(keyIn(given[0] ?? '')?.publicKey).toBe(asked.at(-1)?.userPublicKey);
  });

  it('hands back what it began when it is shut down, and fails nothing', async () => {
    const { calls, ensure } = ensuring(
      ({ signal }) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    );
    const first = await launcher(ensure);
    await publisher.publish([request(POD)]);
    await until('it has begun', () => calls.length === 1);
    await first.stop();
    expect(planner.claims).toEqual([]);
    expect(await waiting()).toBe(1);
    const next = ensuring();
    await launcher(next.ensure, 'b');
    await until('another makes it', () => next.calls.length === 1);
    await untilAcked();
  });
});

describe('the launcher of pods while the planner is away', () => {
  it('fails nothing, and has the pod made once it is back', async () => {
    const { calls, ensure } = ensuring();
    await launcher(ensure, 'a', 200);
    await publisher.publish([request(POD)]);
    await until('the message is taken', async () => (await waiting()) === 1);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect([calls, planner.claims]).toEqual([[], []]);
    answerCredentials();
    await until('the pod is made', () => calls.length === 1);
    await untilAcked();
    expect(planner.claims).toEqual([]);
  });
});
