import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from '../installation/root.js';
import type { Finding, FindingKind } from './run/finding.js';
import { type RunResult, doRun } from './run/run.js';
import { RunQueue } from './rules/queue.js';
import { describedRules } from './rules/script.js';
import { drawRun } from './script/draw.js';
import { type RunScript, described } from './script/script.js';
import { BUSES } from './world/bus.js';
import { ENGINES, LEASE_MS, World } from './world/world.js';

/** A world lives so many runs: its log and its bus grow, and all of both is judged each time. */
const RUNS_A_WORLD = 10;

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    first: { type: 'string', default: '0' },
    jobs: { type: 'string', default: '2' },
    /** No run begins when so many are over. */
    seconds: { type: 'string', default: '1e9' },
    keep: { type: 'string', default: join(root, 'node_modules', '.cache', 'faults') },
    engine: { type: 'string', default: 'sqlite' },
    nats: { type: 'string', default: 'server' },
    json: { type: 'boolean', default: false },
  },
});
const seed = Number(values.seed);
const first = Number(values.first);
const end = first + Number(values.runs);
const deadline = Date.now() + Number(values.seconds) * 1000;
// Set by scripts/check-faults.mjs, which gives us mounts of our own where it can.
const mounts = process.env['LEDGERLIFT_FAULT_MOUNTS'] === 'yes';

const engine = oneOf('engine', ENGINES, values.engine);
const bus = oneOf('nats', BUSES, values.nats);

const totals = { runs: 0, faults: 0, lost: 0, doubled: 0, leaked: 0, stuck: 0 };
const queue = new RunQueue({
  first,
  end,
  deadline,
  worthWaitingMs: 4000,
  draw: (run) =>
    drawRun(seed, run, {
      mounts,
      leaseMs: LEASE_MS,
      cluster: bus === 'cluster',
      database: engine !== 'sqlite',
    }),
});
await Promise.all(Array.from({ length: Number(values.jobs) }, lane));
if (values.json) console.log(JSON.stringify(totals));
else console.table([totals]);
const kinds: readonly FindingKind[] = ['lost', 'doubled', 'leaked', 'stuck'];
process.exit(kinds.every((kind) => totals[kind] === 0) && totals.runs > 0 ? 0 : 1);

function oneOf<T extends string>(option: string, known: readonly T[], given: string): T {
  const found = known.find((each) => each === given);
  if (found !== undefined) return found;
  console.error(`--${option} ${given}: must be one of ${known.join(', ')}`);
  process.exit(2);
}

/** Runs one after the other, in one world for as long as nothing is found in it. */
async function lane(): Promise<void> {
  let world: World | undefined;
  let inWorld = 0;
  for (let script = await queue.take(); script !== undefined; script = await queue.take()) {
    world ??= await World.start({ mounts, engine, bus });
    const result = await done(world, script);
    inWorld += 1;
    const kept = result.findings.length > 0 ? join(values.keep, `seed-${seed}-run-${script.run}`) : undefined;
    if (kept !== undefined && !existsSync(kept)) await world.keep(kept);
    tell(script, result, kept);
    if (kept !== undefined || inWorld === RUNS_A_WORLD) {
      await world[Symbol.asyncDispose]();
      world = undefined;
      inWorld = 0;
    }
  }
  await world?.[Symbol.asyncDispose]();
}

async function done(world: World, script: RunScript): Promise<RunResult> {
  const began = Date.now();
  try {
    return await doRun(world, script);
  } catch (error) {
    const what = `the run broke off: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
    const findings: readonly Finding[] = [{ kind: 'stuck', what }];
    return { findings, ends: [], seconds: (Date.now() - began) / 1000, notes: [] };
  }
}

function tell(
  script: RunScript,
  { findings, ends, seconds, notes }: RunResult,
  kept: string | undefined,
): void {
  totals.runs += 1;
  totals.faults += script.faults.length;
  for (const { kind } of findings) totals[kind] += 1;
  const asked = script.commands.map(({ kind, atMs, by }) => `${kind} by ${by}@${(atMs / 1000).toFixed(1)}s`);
  const what = [...script.faults.map(described), ...asked, ...describedRules(script.rules), ...notes].join(
    ', ',
  );
  const verdict = findings.length === 0 ? 'ok' : 'FINDING';
  console.error(
    `run ${script.run} ${verdict} ${seconds.toFixed(1)} s ${script.source}${script.converts ? '+v2v' : ''} [${what}] → ${ends.join(', ')}`,
  );
  for (const finding of findings)
    console.error(`  seed ${seed} run ${script.run} ${finding.kind}: ${finding.what}`);
  if (kept !== undefined) console.error(`  kept in ${kept}`);
}
