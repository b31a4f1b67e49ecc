import { parseArgs } from 'node:util';
import type { FindingKind } from './judged.js';
import { type RunResult, doRun } from './run.js';
import { RUNS_A_WORLD, type RunScript, drawRun } from './script.js';
import { World } from './world.js';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    first: { type: 'string', default: '0' },
    /** VMs that are migrated at a time. */
    jobs: { type: 'string', default: '3' },
    /** No run begins when so many are over. */
    seconds: { type: 'string', default: '1e9' },
    json: { type: 'boolean', default: false },
  },
});
const seed = Number(values.seed);
const jobs = Number(values.jobs);
const end = Number(values.first) + Number(values.runs);
const deadline = Date.now() + Number(values.seconds) * 1000;
const totals = { runs: 0, faults: 0, unequal: 0, leaked: 0, doubled: 0, stuck: 0 };

for (let next = Number(values.first), last = 0; next < end && Date.now() < deadline; next = last) {
  last = Math.min(end, (Math.floor(next / RUNS_A_WORLD) + 1) * RUNS_A_WORLD);
  console.error(`a world for the runs ${next} to ${last - 1}`);
  await using world = await World.start(jobs);
  let run = next;
  await Promise.all(
    world.namespaces.map(async (namespace) => {
      while (run < last && Date.now() < deadline) {
        const script = drawRun(seed, run);
        run += 1;
        const began = Date.now();
        tell(script, await done(world, namespace, script), (Date.now() - began) / 1000);
      }
    }),
  );
}
if (values.json) console.log(JSON.stringify(totals));
else console.table([totals]);
const kinds: readonly FindingKind[] = ['unequal', 'leaked', 'doubled', 'stuck'];
process.exit(kinds.every((kind) => totals[kind] === 0) && totals.runs > 0 ? 0 : 1);

async function done(world: World, namespace: string, script: RunScript): Promise<RunResult> {
  try {
    return await doRun(world, namespace, script);
  } catch (error) {
    const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const findings = [{ kind: 'stuck', what: `the run broke off: ${why}` }] as const;
    return { end: 'broken off', findings, met: [], retried: [] };
  }
}

function tell(script: RunScript, { findings, end: cameTo, met, retried }: RunResult, seconds: number): void {
  totals.runs += 1;
  totals.faults += met.length;
  for (const { kind } of findings) totals[kind] += 1;
  const drawn = script.faults.map(({ kind, at: { step, afterMs } }) => `${kind}@${step}+${afterMs / 1000}s`);
  const cancel = script.cancelAt && `cancel@${script.cancelAt.step}+${script.cancelAt.afterMs / 1000}s`;
  const verdict = findings.length === 0 ? 'ok' : 'FINDING';
  console.error(
    `run ${script.run} ${verdict} ${seconds.toFixed(1)} s [${[...drawn, ...(cancel === undefined ? [] : [cancel])].join(', ')}] met ${met.length}${retried.length > 0 ? `, retried ${retried.join(' ')}` : ''} → ${cameTo}`,
  );
  for (const { kind, what } of findings) console.error(`  seed ${seed} run ${script.run} ${kind}: ${what}`);
}
