/**
 * Nest loads CommonJS packages, which must not be given their ES modules.
 *
 * @jest-environment-options {"customExportConditions": ["@ledgerlift/source", "node"]}
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { WORKER_PROTOCOL, subjects } from '@ledgerlift/contracts';
import { decode } from '@nats-io/jwt';
import { readPlannerConfig } from '../config.js';
import { startPlanner } from '../planner.js';
import { BusUnderTest, refOf } from './spec/bus-under-test.js';

let bus: BusUnderTest;
beforeAll(async () => {
  bus = await BusUnderTest.start();
});
afterAll(() => bus.stop());

describe('the request for a credential', () => {
  it('is granted for the attempt that is asked of the pod, and for all that the pod will be asked for', async () => {
    const { stream, pod } = await bus.podOf('local.vm-7');
    const before = Date.now();
    const answer = await bus.credential(pod);
    const services = ['transfer', 'converter', 'vm-creator'];
    expect(answer).toMatchObject({ granted: true, services, record: { index: 0 } });
    const ends = answer.granted ? Date.parse(answer.expiresAt) : 0;
    const claims = decode<{ exp: number }>(answer.granted ? answer.userJwt : '');
    expect(claims).toMatchObject({ sub: pod.request.userPublicKey, exp: ends / 1000 });
    // Its containers share it, and it is kept from step to step.
    for (const service of services)
      expect(JSON.stringify(claims)).toContain(`StepRequested.${service}.local.vm-7`);
    expect(ends).toBeGreaterThan(before);
    expect(JSON.stringify(bus.decided.states.vm(stream))).not.toContain(pod.request.userPublicKey);
  });

  it('is granted again while the attempt runs, and refused when it is over', async () => {
    const { stream, pod } = await bus.podOf('local.vm-8');
    const { nc } = await bus.connect(await bus.granted(pod), pod.user);
    const ref = refOf(stream);
    await nc.request(subjects.claim(stream), JSON.stringify({ ...ref, protocol: WORKER_PROTOCOL }));
    expect(bus.open(stream)).toBe('Initialize started');
    expect((await bus.credential(pod)).granted).toBe(true);
    const error = { code: 'LL-BUS-014', class: 'permanent', message: 'over' };
    const report = {
      ...{ ref, number: 1, claimed: [], released: [], conditions: [], checkpoints: [] },
      outcome: { kind: 'failed', error },
    };
    await nc.request(subjects.reportNow(stream), JSON.stringify(report));
    expect(await bus.credential(pod)).toMatchObject({
      granted: false,
      reason: `attempt 1 of Initialize of ${stream} is not open`,
    });
  });

  it('is refused for another attempt, another step, another site and an unknown VM', async () => {
    const { pod } = await bus.podOf('local.vm-9');
    const reasonOf = async (change: object) => {
      const answer = await bus.credential({ ...pod, request: { ...pod.request, ...change } });
      return answer.granted ? 'granted' : answer.reason;
    };
    expect(await reasonOf({ attempt: 2 })).toMatch(/attempt 2 of Initialize .* is not open/);
    expect(await reasonOf({ step: 'DiskTransfer' })).toMatch(/of DiskTransfer .* is not open/);
    expect(await reasonOf({ site: 'local.vm-1' })).toMatch(/asked of the site local.vm-9, not of local.vm-1/);
    expect(await reasonOf({ stream: 'vm-ghost-0' })).toBe('vm-ghost-0 is not known');
  });

  it('is refused on the subject of another site, and for what is no pod or no key', async () => {
    const { pod } = await bus.podOf('local.vm-10');
    const subject = subjects.podCredential('local');
    expect(await bus.ask(subjects.podCredential('edge'), pod.request)).toMatchObject({
      error: { code: 'LL-BUS-015' },
    });
    for (const [field, value] of [
      ['site', 'local'],
      ['site', 'local.*'],
      ['stream', 'vm-*'],
      ['stream', 'vm-a.>'],
      ['userPublicKey', 'SUAPASSWORD'],
    ] as const)
      expect(await bus.ask(subject, { ...pod.request, [field]: value })).toMatchObject({
        error: { code: 'LL-BUS-009', field },
      });
  });

  it('names the setting where the planner has no key to sign with', async () => {
    const { pod } = await bus.podOf('local.vm-11');
    const { seedFile } = bus.signing;
    bus.signing.seedFile = undefined;
    const answer = await bus.ask(subjects.podCredential('local'), pod.request);
    bus.signing.seedFile = seedFile;
    expect(answer).toMatchObject({
      error: { code: 'LL-SVC-001', field: 'LEDGERLIFT_NATS_SIGNING_SEED_FILE' },
    });
  });
});

describe('a planner', () => {
  it('does not start with a key that cannot sign', async () => {
    const config = readPlannerConfig({ LEDGERLIFT_NATS_SIGNING_SEED_FILE: '/nowhere/seed' });
    await expect(startPlanner(config)).rejects.toMatchObject({
      code: 'LL-SVC-001',
      variable: 'LEDGERLIFT_NATS_SIGNING_SEED_FILE',
    });
  });
});

describe('a worker of the services', () => {
  it('of an older version still asks on the bare subjects', async () => {
    const stream = await bus.askedOf('local');
    const ref = refOf(stream);
    const claim = await bus.ask(subjects.bare.claim, { ...ref, protocol: WORKER_PROTOCOL });
    expect(claim).toMatchObject({ answer: 'granted' });
    expect(await bus.ask(subjects.bare.lease, ref)).toMatchObject({ answer: 'renewed' });
    const report = { ref, number: 1, claimed: [], released: [], conditions: [], checkpoints: [] };
    expect(await bus.ask(subjects.bare.reportNow, report)).toEqual({ answer: 'logged', lastReport: 1 });
  });
});
