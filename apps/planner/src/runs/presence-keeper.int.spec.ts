import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openTemporaryLog } from '@ledgerlift/event-log/contract';
import { LogEventWriter } from '../log/event-writer.js';
import { PresenceKeeper } from './presence-keeper.js';
import { PLANNER_STREAM, systemContext } from './stream-names.js';

const HOUR = 3_600_000;
const friday = Date.parse('2026-11-27T16:00:00Z');

let opened: Awaited<ReturnType<typeof openTemporaryLog>>;
let now: number;
let isConnected: boolean;
let isTaken: boolean;
let returns: number;

beforeEach(async () => {
  opened = await openTemporaryLog();
  now = friday;
  isConnected = true;
  isTaken = true;
  returns = 0;
});
afterEach(() => opened.destroy());

/** A planner that reads the log at `now`, and has not looked after itself yet. */
async function planner(): Promise<PresenceKeeper> {
  const keeper = new PresenceKeeper(opened.log, new LogEventWriter(opened.log, () => new Date(now)), {
    bus: {
      isConnected: () => isConnected,
      restart: () => undefined,
      isTaken: () => Promise.resolve(isTaken),
    },
    now: () => now,
    returned: () => {
      returns += 1;
    },
  });
  for await (const event of opened.log.readAll()) keeper.restore(event);
  keeper.begin();
  return keeper;
}

/** The planner leads for so long, and looks after itself each second. */
async function leads(keeper: PresenceKeeper, ms: number): Promise<void> {
  for (const end = now + ms; now < end; now += 1000) await keeper.tick();
  await keeper.tick();
}

async function recorded(): Promise<readonly unknown[]> {
  const events: unknown[] = [];
  for await (const { type, data } of opened.log.readStream(PLANNER_STREAM))
    events.push({ type, ...(data as object) });
  return events;
}
const at = (ms: number): string => new Date(friday + ms).toISOString();

describe('a planner that starts', () => {
  it('has missed nothing where the log is empty', async () => {
    const keeper = await planner();
    await leads(keeper, 10_000);
    expect(keeper.presence).toEqual({ absences: [], isAway: false });
    expect(await recorded()).toEqual([]);
  });

  it.each([
    ['a minute', 60_000],
    ['an hour', HOUR],
    ['a week', 168 * HOUR],
  ])('after %s records it, and the next one knows of it', async (_name, ms) => {
    await (await planner()).stopped();
    now += ms;
    await leads(await planner(), 10_000);
    const absence = { from: friday, until: friday + ms };
    now += 1000;
    expect((await planner()).presence.absences).toEqual([absence]);
    expect(await recorded()).toEqual([
      { type: 'PlannerStopped' },
      { type: 'PlannerReturned', lastLedAt: at(0), returnedAt: at(ms), after: 'start' },
    ]);
  });

  it('is away until the reports that waited for it are in the log', async () => {
    await (await planner()).stopped();
    now += HOUR;
    isTaken = false;
    const keeper = await planner();
    await leads(keeper, 20_000);
    expect(keeper.presence.isAway).toBe(true);
    expect(returns).toBe(0);
    isTaken = true;
    await leads(keeper, 1000);
    expect(keeper.presence).toEqual({
      absences: [{ from: friday, until: friday + HOUR + 20_000 }],
      isAway: false,
    });
    expect(returns).toBe(1);
  });
});

describe('a planner that leads', () => {
  it('is away while NATS is gone, and until its backlog is taken', async () => {
    const keeper = await planner();
    await leads(keeper, 60_000);
    isConnected = false;
    await leads(keeper, 600_000);
    expect(keeper.presence.isAway).toBe(true);
    isConnected = true;
    isTaken = false;
    await leads(keeper, 5000);
    expect(keeper.presence.isAway).toBe(true);
    isTaken = true;
    await leads(keeper, 1000);
    expect(await recorded()).toEqual([
      { type: 'PlannerReturned', lastLedAt: at(60_000), returnedAt: at(665_000), after: 'bus' },
    ]);
  });

  it('notices at once that its process stood still, before anything else is decided', async () => {
    const keeper = await planner();
    await leads(keeper, 60_000);
    now += HOUR;
    expect(keeper.presence.isAway).toBe(true);
    await keeper.tick();
    expect(keeper.presence.isAway).toBe(false);
    expect(returns).toBe(2);
    expect(await recorded()).toEqual([
      { type: 'PlannerReturned', lastLedAt: at(60_000), returnedAt: at(60_000 + HOUR), after: 'stall' },
    ]);
  });

  it('notices it also when it wrote an event before it looked after itself', async () => {
    const keeper = await planner();
    await leads(keeper, 60_000);
    now += HOUR;
    const writer = new LogEventWriter(opened.log, () => new Date(now));
    await writer.append(
      'another',
      'no-stream',
      [{ type: 'PlannerStopped', data: {} }],
      systemContext('spec'),
    );
    for await (const event of opened.log.readAll()) keeper.restore(event);
    expect(keeper.presence.isAway).toBe(true);
  });

  it('records no gap that is too short to matter', async () => {
    const keeper = await planner();
    await leads(keeper, 60_000);
    isConnected = false;
    await leads(keeper, 3000);
    isConnected = true;
    await leads(keeper, 3000);
    expect(keeper.presence).toEqual({ absences: [], isAway: false });
    expect(await recorded()).toEqual([]);
  });
});
