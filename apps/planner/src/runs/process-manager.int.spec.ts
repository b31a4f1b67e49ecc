import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ScheduleLimits } from '@ledgerlift/contracts';
import type { EventLog, ExpectedRevision, NewEvent } from '@ledgerlift/event-log';
import { openTemporaryLog } from '@ledgerlift/event-log/contract';
import type { ResolvedPlan } from '@ledgerlift/planning';
import { factsWith, resolvePlan, vmNamed } from '@ledgerlift/planning/spec';
import { Life } from './spec/life.js';

const limits = ScheduleLimits.parse({ vms: 1 });

/** Two waves, a plan hook at three moments, and fewer slots than VMs. */
function resolved(count: number, spec: object): ResolvedPlan {
  const vms = Array.from({ length: count }, (_, vm) => vmNamed(`vm-${vm}`, { powerState: 'on' }));
  const hook = (name: string, at: string): object => ({
    name,
    at,
    scope: 'plan',
    run: { kind: 'command', command: 'true' },
  });
  const plan = resolvePlan(
    factsWith(vms, {
      spec: {
        skipGuestConversion: true,
        vms: vms.map(({ name }, index) => ({ ref: name, wave: index < count - 1 ? 1 : 2 })),
        waves: { startNext: 'automatic', minSucceededPercent: 100 },
        hooks: [hook('ticket', 'before'), hook('switch', 'cutover'), hook('report', 'after')],
        ...spec,
      },
    }),
    'reactions',
    [],
  );
  if (plan === undefined) throw new Error('the plan cannot be resolved');
  return plan;
}

type Appended = readonly [stream: string, events: readonly NewEvent[], expected: ExpectedRevision];

/** A log that records each append. */
function noting(log: EventLog, appended: Appended[]): EventLog {
  return new Proxy(log, {
    get: (target, name: keyof EventLog) => {
      if (name !== 'append') return (target[name] as () => unknown).bind(target);
      return async (...append: Parameters<EventLog['append']>) => {
        const result = await target.append(...append);
        appended.push(append);
        return result;
      };
    },
  });
}

let opened: Awaited<ReturnType<typeof openTemporaryLog>>;
const lives: Life[] = [];
beforeEach(async () => {
  opened = await openTemporaryLog();
});
afterEach(async () => {
  for (const life of lives.splice(0)) life.kill();
  await opened.destroy();
});

async function begin(log: EventLog, worker: string): Promise<Life> {
  const life = await Life.begin(log, { worker, leaseMs: 100, limits });
  lives.push(life);
  return life;
}

const cold = {};
const warm = {
  type: 'warm',
  warm: { precopyIntervalMs: 0, maxPrecopies: 0, cutover: { by: 'time', at: '2026-01-01T00:00:00Z' } },
};

describe.each([
  ['cold', 3, cold],
  ['warm', 2, warm],
])('a planner that is killed after any append of a %s run', (_type, count, spec) => {
  it('carries out the reactions that are missing', async () => {
    const appended: Appended[] = [];
    const whole = await begin(noting(opened.log, appended), 'transfer/spec/1');
    const id = await whole.start(resolved(count, spec));
    const started = appended.findIndex(([, [event]]) => event?.type === 'MigrationStarted');
    const isOver = ({ hooks, phases }: ReturnType<Life['run']>): boolean =>
      phases.succeeded === count && hooks.every(({ state }) => state?.phase === 'succeeded');
    await whole.reaches(id, isOver);
    whole.kill();
    expect(whole.failures).toEqual([]);
    expect(started).toBeGreaterThan(0);

    for (let kept = started + 1; kept <= appended.length; kept += 1) {
      const cut = await openTemporaryLog();
      for (const append of appended.slice(0, kept)) await cut.log.append(...append);
      const life = await begin(cut.log, `transfer/spec/${kept}`);
      const ended = await life.reaches(id, isOver);
      life.kill();
      expect({ kept, failures: life.failures, isOver: isOver(ended) }).toEqual({
        kept,
        failures: [],
        isOver: true,
      });
      await cut.destroy();
    }
  });
});

describe('a reconcile', () => {
  it('appends nothing if no reaction is missing', async () => {
    const working = Promise.withResolvers<void>();
    const life = await Life.begin(opened.log, {
      worker: 'transfer/spec/1',
      leaseMs: 60_000,
      limits,
      works: () => working.promise,
    });
    lives.push(life);
    const id = await life.start(resolved(3, cold));
    await life.reaches(id, ({ hooks }) => hooks[0]?.state?.attempts[0]?.status === 'started');
    const before = await opened.log.head();
    await life.reconcile();
    await life.reconcile();
    expect(await opened.log.head()).toBe(before);
    working.resolve();
  });
});
