import { parseArgs } from 'node:util';
import type { FindingKind } from './judged.js';
import { run } from './run.js';

const { values } = parseArgs({
  options: {
    engine: { type: 'string', default: 'postgres' },
    seconds: { type: 'string', default: '60' },
    writers: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
});
const { engine } = values;
if (engine !== 'postgres' && engine !== 'sqlite')
  throw new Error(`--engine: ${engine} is neither postgres nor sqlite`);
const [seed, seconds, writers] = [Number(values.seed), Number(values.seconds), Number(values.writers)];
const { findings, ...counts } = await run({ engine, seed, seconds, writers });
const MOST_SHOWN = 20;
for (const { kind, what } of findings.slice(0, MOST_SHOWN)) console.error(`seed ${seed} ${kind}: ${what}`);
if (findings.length > MOST_SHOWN) console.error(`and ${findings.length - MOST_SHOWN} more`);
const kinds: readonly (FindingKind | 'stuck' | 'broken')[] = [
  ...(['lost', 'doubled', 'reordered', 'holes', 'stuck', 'broken'] as const),
];
const found = Object.fromEntries(
  kinds.map((kind) => [kind, findings.filter((each) => each.kind === kind).length]),
);
if (values.json) console.log(JSON.stringify({ ...counts, ...found }));
else console.table([{ ...counts, ...found }]);
process.exit(findings.length === 0 && counts.acknowledged > 0 ? 0 : 1);
