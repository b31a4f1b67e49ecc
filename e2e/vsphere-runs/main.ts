import { parseArgs } from 'node:util';
import { RunQueue } from '../faults/rules/queue.js';
import { describedRules } from '../faults/rules/script.js';
import type { FindingKind } from './judged.js';
import { type RunResult, doRun } from './run.js';
import { RUNS_A_WORLD, type RunScript, drawRun, drawWorld } from './script.js';
import { World } from './world.js';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    first: { type: 'string', default: '0' },
    /** VMs that are migrated at a time. */
    jobs: { type: 'string', default: '4' },
    /** No run begins when so many are over. */
    seconds: { type: 'string', default: '1e9' },
    json: { type: 'boolean', default: false },
  },
});
const seed = Number(values.seed);
const end = Number(values.first) + Number(values.runs);
const deadline = Date.now() + Number(values.seconds) * 1000;
const totals = { runs: 0, faults: 0, unequal: 0, snapshots: 0, power: 0, rules: 0, stuck: 0, lockUps: 0 };
/** More than these are no accident of the simulator any more. */
const MOST_LOCK_UPS = 5;

for (let next = Number(values.first), last = 0; next < end && Date.now() < deadline; next = last) {
  const kind = drawWorld(seed, next);
  last = Math.min(end, (Math.floor(next / RUNS_A_WORLD) + 1) * RUNS_A_WORLD);
  const draw = (run: number): RunScript => drawRun(seed, run);
  const queue = new RunQueue({ first: next, end: last, deadline, worthWaitingMs: 10_000, draw });
  let left: readonly RunScript[] = [];
  do {
    console.error(`a world of ${kind}`);
    await using world = await World.start(kind);
    left = await runIn(world, left, queue);
  } while (left.length > 0 && totals.lockUps <= MOST_LOCK_UPS);
}
if (values.json) console.log(JSON.stringify(totals));
else console.table([totals]);
const kinds: readonly FindingKind[] = ['unequal', 'snapshots', 'power', 'rules', 'stuck'];
process.exit(
  kinds.every((kind) => totals[kind] === 0) && totals.runs > 0 && totals.lockUps <= MOST_LOCK_UPS ? 0 : 1,
);

/** @returns the runs that say nothing, because the simulator locked up under them: they are for another world */
async function runIn(
  world: World,
  first: readonly RunScript[],
  queue: RunQueue<RunScript>,
): Promise<readonly RunScript[]> {
  const waiting = [...first];
  const again: RunScript[] = [];
  const lane = async (): Promise<void> => {
    while (again.length === 0) {
      const script = waiting.shift() ?? (await queue.take());
      if (script === undefined) return;
      const began = Date.now();
      const result = await done(world, script);
      const isLost = result.findings.length > 0 && (again.length > 0 || (await world.vsphere.isLockedUp()));
      if (isLost) again.push(script);
      else tell(script, result, (Date.now() - began) / 1000);
    }
  };
  await Promise.all(Array.from({ length: Number(values.jobs) }, lane));
  if (again.length === 0) return [];
  totals.lockUps += 1;
  console.error(
    `the simulator locked up: runs ${again.map(({ run }) => run).join(', ')} are done again in another world`,
  );
  return [...again, ...waiting];
}

async function done(world: World, script: RunScript): Promise<RunResult> {
  try {
    return await doRun(world, script);
  } catch (error) {
    const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { end: 'broken off', findings: [{ kind: 'stuck', what: `the run broke off: ${why}` }] };
  }
}

function tell(script: RunScript, { findings, end: cameTo }: RunResult, seconds: number): void {
  totals.runs += 1;
  totals.faults += script.faults.length;
  for (const { kind } of findings) totals[kind] += 1;
  const faults = script.faults.map(({ kind, atMs }) => `${kind}@${(atMs / 1000).toFixed(1)}s`);
  const verdict = findings.length === 0 ? 'ok' : 'FINDING';
  console.error(
    `run ${script.run} ${verdict} ${seconds.toFixed(1)} s [${[...faults, ...describedRules(script.rules)].join(', ')}] → ${cameTo}`,
  );
  for (const { kind, what } of findings) console.error(`  seed ${seed} run ${script.run} ${kind}: ${what}`);
}
