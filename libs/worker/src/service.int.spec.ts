import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type LeaseAnswer, Report, type StepResult, subjects } from '@ledgerlift/contracts';
import { EventPublisher, ensureStreams, listDeadLetters } from '@ledgerlift/messaging';
import { type NatsServer, jobOf, startNats, until } from '@ledgerlift/testing';
import type { NatsConnection } from '@nats-io/nats-core';
import { pino } from 'pino';
import { connectNats } from '@ledgerlift/service';
import { startWorker, type Worker } from './service.js';
import { stepRequested } from './spec-peers/messages.js';

const silent = pino({ level: 'silent' });
const done: StepResult = { step: 'Initialize', powerState: 'off', fingerprint: 'f' };

const request = stepRequested('vm-m1-0');

let nats: NatsServer;
let nc: NatsConnection;
let worker: Worker | undefined;
let reports: Report[];

const env = (url: string) => ({ LEDGERLIFT_NATS_URL: url, LEDGERLIFT_LOG_LEVEL: 'silent' });
const ready = async () => (await fetch(`http://127.0.0.1:${worker?.healthPort}/health/ready`)).status;

/** Grants every claim and takes every report; the job is only as much as these specs need. */
function answerAsPlanner(job: unknown): void {
  const answer = (subject: string, reply: () => unknown): void => {
    nc.subscribe(subject, { callback: (_error, message) => void message.respond(JSON.stringify(reply())) });
  };
  answer(subjects.allClaims, () => ({ answer: 'granted', leaseMs: 5000, lastReport: 0, job }));
  answer(subjects.allLeases, (): LeaseAnswer => {
    return { answer: 'renewed', leaseMs: 5000, lastReport: reports.at(-1)?.number ?? 0 };
  });
  nc.subscribe(subjects.reports, {
    callback: (_error, message) => {
      reports.push(Report.parse(message.json<{ data: unknown }>().data));
    },
  });
}

beforeEach(async () => {
  reports = [];
  nats = await startNats();
  nc = await connectNats({ url: nats.url, name: 'spec', logger: silent });
  await ensureStreams(nc);
});

afterEach(async () => {
  await worker?.stop();
  worker = undefined;
  await nc.close();
  await nats.stop();
});

describe('a worker service', () => {
  it('handles step requests of its service and site through Nest, and reports when it is ready', async () => {
    answerAsPlanner(jobOf('Initialize'));
    worker = await startWorker({
      service: 'transfer',
      env: env(nats.url),
      handlers: { Initialize: async () => done },
    });
    expect(await ready()).toBe(200);
    await new EventPublisher({ nc, installation: 'spec' }).publish([request]);
    await until('the outcome', () => reports.at(-1)?.outcome !== undefined);
    expect(reports.at(-1)).toMatchObject({
      ref: { stream: 'vm-m1-0', attempt: 1, worker: worker.workerId },
      outcome: { kind: 'completed', result: done },
    });
    expect(worker.workerId).toMatch(/^transfer\/.+\/.+$/);
  });

  it('buries a request for a step that it cannot do, so that the attempt fails instead of waiting forever', async () => {
    worker = await startWorker({ service: 'transfer', env: env(nats.url), handlers: {} });
    await new EventPublisher({ nc, installation: 'spec' }).publish([request]);
    await until('the dead letter', async () => (await listDeadLetters(nc)).length === 1);
    expect((await listDeadLetters(nc))[0]?.letter).toMatchObject({
      code: 'LL-BUS-004',
      reason: expect.stringContaining('no handler for the step Initialize'),
    });
  });

  it('is not ready while NATS is away, and ready again when it is back', async () => {
    worker = await startWorker({ service: 'converter', env: env(nats.url), handlers: {} });
    await nats.kill();
    await until('not ready', async () => (await ready()) === 503);
    await nats.restart();
    await until('ready', async () => (await ready()) === 200);
  });

  it('starts before NATS does', async () => {
    await nats.kill();
    const starting = startWorker({ service: 'converter', env: env(nats.url), handlers: {} });
    await new Promise((resolve) => setTimeout(resolve, 500));
    await nats.restart();
    worker = await starting;
    expect(await ready()).toBe(200);
  });

  it('does not start with an invalid setting', async () => {
    const starting = startWorker({ service: 'converter', env: { LEDGERLIFT_SLOTS: 'many' }, handlers: {} });
    await expect(starting).rejects.toMatchObject({ code: 'LL-SVC-001' });
  });
});
