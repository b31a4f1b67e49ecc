// What the benchmarks of the event log append, and how they measure.

/** Appends that are asked for at the same time: a busy planner's. */
export const GROUP = 500;
export const EVENTS_PER_VM = 30;

/** The next GROUP of `all` events: one for each of as many VMs, in rounds. */
export function placesOf(from, all) {
  return Array.from({ length: GROUP }, (_, index) => {
    const vms = all / EVENTS_PER_VM;
    const n = from + index;
    return { n, stream: `vm-${n % vms}`, revision: Math.floor(n / vms) };
  });
}

/** What a step's report becomes, in size and shape. */
export function eventOf(n) {
  return {
    id: uuidv7(),
    type: n % 3 === 0 ? 'StepCompleted' : 'StepCheckpointed',
    version: 1,
    time: '2026-11-23T12:00:00.000Z',
    data: { step: 'DiskTransfer', attempt: 1, disk: 'disk-0', ranges: [[0, n]], digest: 'a'.repeat(64) },
    correlationId: `migration-${n % 10}`,
    causationId: `report-${n}`,
    actor: { kind: 'service', name: 'transfer', authenticatedBy: 'nats' },
  };
}

/** A projection, such as every start of the planner rebuilds. */
export function evolve(states, { stream, type, data }) {
  const state = states.get(stream) ?? { events: 0, completed: 0, bytes: 0 };
  states.set(stream, {
    events: state.events + 1,
    completed: state.completed + (type === 'StepCompleted' ? 1 : 0),
    bytes: state.bytes + data.ranges[0][1],
  });
}

let made = 0;
function uuidv7() {
  const time = Date.now().toString(16).padStart(12, '0');
  const count = (made += 1).toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${count}`;
}

export function keepBest(rates, whose, measured) {
  rates[whose] ??= {};
  for (const [name, value] of Object.entries(measured))
    rates[whose][name] = Math.max(rates[whose][name] ?? 0, value);
}

export async function rate(count, work) {
  const start = performance.now();
  await work();
  return count / ((performance.now() - start) / 1000);
}

export function check(actual, expected) {
  if (actual !== expected) throw new Error(`the benchmark read ${actual}, not ${expected}`);
}

const SOME_HASH = 'b'.repeat(64);

/** The row of an event as the log stores it, for the engine alone: stream, revision, id, hash, content. */
export function bareRow({ stream, revision, n }) {
  const event = eventOf(n);
  return [stream, revision, event.id, SOME_HASH, JSON.stringify({ ...event, stream, revision })];
}
