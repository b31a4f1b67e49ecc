/**
 * Express loads CommonJS packages, which must not be given their ES modules.
 *
 * @jest-environment-options {"customExportConditions": ["@ledgerlift/source", "node"]}
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  ApiErrorBody,
  PlanView,
  ProviderView,
  type WorkerCapabilities,
  subjects,
} from '@ledgerlift/contracts';
import { openTemporaryLog } from '@ledgerlift/event-log/contract';
import { BusErrorFilter, JetStreamServer } from '@ledgerlift/messaging';
import {
  inventoryOf,
  networkSpec,
  planSpec,
  sourceSpec,
  storageSpec,
  webVm,
} from '@ledgerlift/planning/spec';
import { type NatsServer, startNats } from '@ledgerlift/testing';
import type { NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import type { MicroserviceOptions } from '@nestjs/microservices';
import { NatsWorkerAccess } from '../../access/index.js';
import { randomFrom } from '../spec/malformed.js';
import { PlannerUnderTest } from '../spec/planner-under-test.js';

let temporary: Awaited<ReturnType<typeof openTemporaryLog>>;
let nats: NatsServer;
let nc: NatsConnection;
let planner: PlannerUnderTest;

beforeAll(async () => {
  nats = await startNats();
  nc = await connect({ servers: nats.url });
  temporary = await openTemporaryLog();
  planner = await PlannerUnderTest.start(temporary.log, inventoryOf(webVm));
  const strategy = new JetStreamServer({ nc });
  const bus = planner.app.connectMicroservice<MicroserviceOptions>(
    { strategy },
    { inheritAppConfig: false, deferInitialization: true },
  );
  bus.useGlobalFilters(new BusErrorFilter());
  await planner.app.startAllMicroservices();
});
afterAll(async () => {
  await planner.stop();
  await nc.close();
  await nats.stop();
  await temporary.destroy();
});

/** What comes back, success or error. */
async function ask(operation: string, request: unknown): Promise<unknown> {
  const [resource = '', verb = ''] = operation.split('.');
  const payload =
    typeof request === 'string' || request instanceof Uint8Array ? request : JSON.stringify(request);
  return (await nc.request(subjects.api(resource, verb), payload, { timeout: 10_000 })).json();
}
const post = (operation: string, body: unknown, params = {}) =>
  ask(operation, { params, body, idempotencyKey: crypto.randomUUID() });

describe('the API over NATS', () => {
  it('does what REST does, with the same things', async () => {
    const { id } = ProviderView.parse(await post('providers.create', sourceSpec));
    expect((await planner.call('GET', '/providers/files')).body).toMatchObject({ id });
    await post('providers.create', { name: 'out', type: 'directory', settings: { path: planner.folder } });
    await post('mappings.create', networkSpec);
    await post('mappings.create', storageSpec);
    const plan = PlanView.parse(await post('plans.create', planSpec));
    expect(await post('plans.start', undefined, { plan: plan.id })).toMatchObject({ status: 'running' });
    expect(await ask('plans.list', {})).toMatchObject({
      total: 1,
      items: [{ id: plan.id, status: 'running' }],
    });
  });

  it('knows a request again that came over REST before', async () => {
    const body = { ...sourceSpec, name: 'both-ways' };
    const overRest = await planner.call('POST', '/providers', body, { 'Idempotency-Key': 'both' });
    const overNats = await ask('providers.create', { body, idempotencyKey: 'both' });
    expect(ProviderView.parse(overNats).id).toBe(overRest.body['id']);
  });

  it('records who asked, and over which way', async () => {
    const { id } = ProviderView.parse(await post('providers.create', { ...sourceSpec, name: 'who' }));
    for await (const event of temporary.log.readStream(`provider-${id}`))
      expect(event.actor).toEqual({ kind: 'user', name: 'local', authenticatedBy: 'nats' });
  });

  it('refuses with the same codes as REST', async () => {
    expect(await ask('providers.get', { params: { provider: 'ghost' } })).toMatchObject({
      error: { code: 'LL-PLN-101' },
    });
    expect(await ask('plans.create', { body: planSpec })).toMatchObject({ error: { code: 'LL-API-006' } });
    expect(await ask('plans.list', { query: { limit: 0 } })).toMatchObject({
      error: { code: 'LL-API-001', field: 'limit' },
    });
    expect(await post('plans.create', { ...planSpec, name: 'bad', vms: [{ ref: 'ghost' }] })).toMatchObject({
      status: 'new',
    });
    expect(await post('plans.start', undefined, { plan: 'bad' })).toMatchObject({
      error: { code: 'LL-PLN-104', conditions: [{ type: 'VMNotFound' }] },
    });
  });

  it('answers malformed requests with coded errors, and goes on', async () => {
    const operations = ['providers.create', 'plans.create', 'plans.start', 'vms.get', 'plans.list'];
    for (let seed = 1; seed <= 100; seed += 1) {
      const random = randomFrom(seed);
      const noise = Uint8Array.from({ length: 1 + Math.floor(random() * 100) }, () =>
        Math.floor(random() * 256),
      );
      const broken = [
        noise,
        '{"params":',
        '[]',
        '"text"',
        { unknown: 1 },
        { params: { plan: 7, vm: [] } },
        { query: [] },
      ][seed % 7];
      const answer = await ask(operations[seed % 5] ?? '', broken);
      expect([seed, ApiErrorBody.parse(answer).error.code]).toEqual([
        seed,
        expect.stringMatching(/^LL-(API|BUS)-\d{3}$/),
      ]);
    }
    expect(await ask('plans.list', {})).toMatchObject({ offset: 0 });
    expect(planner.faults).toEqual([]);
  });
});

describe('the workers of a site', () => {
  it('are asked who they are and what they lack', async () => {
    const converter: WorkerCapabilities = {
      service: 'converter',
      site: 'far',
      worker: 'converter/host/1',
      tools: [
        { name: 'qemu-img', version: '7.2', path: '/usr/bin/qemu-img' },
        { name: 'virt-v2v-in-place', version: null, path: null },
      ],
    };
    nc.subscribe(subjects.capabilities('converter', 'far'), {
      callback: (_error, message) => {
        message.respond(JSON.stringify(converter));
      },
    });
    const access = new NatsWorkerAccess(nc);
    const { connected, conversionProblems } = await access.at('far');
    expect(connected).toEqual(['converter']);
    expect(conversionProblems).toEqual([expect.stringContaining('virt-v2v-in-place')]);
    expect(await access.at('nowhere')).toEqual({
      connected: [],
      conversionProblems: undefined,
      transferTools: undefined,
    });
  });

  it('are all asked, so that one that has VDDK is told from one that lacks it', async () => {
    const transfer = (worker: string, tools: WorkerCapabilities['tools']): void => {
      const answer: WorkerCapabilities = { service: 'transfer', site: 'many', worker, tools };
      nc.subscribe(subjects.capabilities('transfer', 'many'), {
        callback: (_error, message) => {
          message.respond(JSON.stringify(answer));
        },
      });
    };
    const hooks = (path: string | null) => ({ name: 'hooks', version: null, path });
    transfer('transfer/a/1', [
      { name: 'vddk', version: null, path: null, problem: 'LEDGERLIFT_VDDK_DIR is not set' },
      hooks(null),
    ]);
    const access = new NatsWorkerAccess(nc);
    expect((await access.at('many')).transferTools).toEqual({
      vddk: { oldest: undefined, problems: ['transfer/a/1: LEDGERLIFT_VDDK_DIR is not set'] },
      hooks: { oldest: undefined, problems: ['transfer/a/1: it is not installed'] },
    });
    transfer('transfer/b/1', [{ name: 'vddk', version: '8.0.3', path: '/opt/vddk' }, hooks('/hooks')]);
    expect((await access.at('many')).transferTools).toEqual({
      vddk: {
        oldest: { version: '8.0.3', path: '/opt/vddk' },
        problems: ['transfer/a/1: LEDGERLIFT_VDDK_DIR is not set'],
      },
      hooks: { oldest: { version: '', path: '/hooks' }, problems: ['transfer/a/1: it is not installed'] },
    });
  });
});
