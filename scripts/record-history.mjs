// Writes the streams of a log as histories that the deciders must be able to read for ever:
// node scripts/record-history.mjs DATA_FOLDER NAME
// Each VM, each run and the schedule become one file of events, a line each, with the hashes that chain them.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openLogForReading } from '@ledgerlift/event-log';

const [data, name] = process.argv.slice(2);
if (data === undefined || name === undefined) {
  console.error('node scripts/record-history.mjs DATA_FOLDER NAME');
  process.exit(2);
}
const out = join(import.meta.dirname, '..', 'apps', 'planner', 'src', 'histories', 'recorded');
await mkdir(out, { recursive: true });
const log = await openLogForReading(join(data, 'events.db'));
const streams = new Map();
for await (const event of log.readAll()) {
  const isWanted = /^(vm|migration)-/.test(event.stream) || event.stream === 'schedule';
  if (isWanted) streams.set(event.stream, [...(streams.get(event.stream) ?? []), event]);
}
await log.close();
const { summaryOf } = await import('../apps/planner/dist/histories/summary.js');
const expectedFile = join(out, 'expected.json');
const expected = JSON.parse(await readFile(expectedFile, 'utf8').catch(() => '{}'));
const count = { vm: 0, migration: 0, schedule: 0 };
for (const [stream, events] of streams) {
  const [kind] = stream.split('-');
  count[kind] += 1;
  const lines = events.map((event) =>
    JSON.stringify(event, (_, value) => (typeof value === 'bigint' ? `${value}` : value)),
  );
  const file = `${name}-${kind}-${count[kind]}.jsonl`;
  // What it leads to is said once, when it is recorded, and holds for every version after this one.
  if (expected[file] !== undefined) throw new Error(`${file} is there already; choose another name`);
  expected[file] = summaryOf(events);
  await writeFile(join(out, file), `${lines.join('\n')}\n`);
}
await writeFile(expectedFile, `${JSON.stringify(expected, undefined, 2)}\n`);
console.log(`${streams.size} histories in ${out}`);
