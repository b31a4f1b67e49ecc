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
const totals = { runs: 0, faults: 0, unequal: 0, snapshots: 0, power: 0, rules: 0, stuck: 0 };

for (let next = Number(values.first), last = 0; next < end && Date.now() < deadline; next = last) {
  const kind = drawWorld(seed, next);
  console.error(`a world of ${kind}`);
  await using world = await World.start(kind);
  last = Math.min(end, (Math.floor(next / RUNS_A_WORLD) + 1) * RUNS_A_WORLD);
  const draw = (run: number): RunScript => drawRun(seed, run);
  const queue = new RunQueue({ first: next, end: last, deadline, worthWaitingMs: 10_000, draw });
  const lane = async (): Promise<void> => {
    for (let script = await queue.take(); script !== undefined; script = await queue.take()) {
      const began = Date.now();
      tell(script, await done(world, script), (Date.now() - began) / 1000);
    }
  };
  await Promise.all(Array.from({ length: Number(values.jobs) }, lane));
}
if (values.json) console.log(JSON.stringify(totals));
else console.table([totals]);
const kinds: readonly FindingKind[] = ['unequal', 'snapshots', 'power', 'rules', 'stuck'];
process.exit(kinds.every((kind) => totals[kind] === 0) && totals.runs > 0 ? 0 : 1);

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
