// `npm run -s bench -- [NAME...] [--json]`: runs bench/NAME.mjs, or all of them, and prints what they measured: one JSON
// object a line with --json, else a table. Each exports `run(emit)` and calls `emit({ name, value, unit, … })` for every
// row. Nothing else goes to standard output.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false } },
});
const present = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.mjs') && file !== 'run.mjs')
  .map((file) => file.slice(0, -'.mjs'.length));
const unknown = positionals.filter((name) => !present.includes(name));
if (unknown.length > 0) {
  console.error(`no benchmark is named ${unknown.join(', ')}; there are ${present.join(', ')}`);
  process.exit(2);
}

const rows = [];
for (const name of positionals.length > 0 ? positionals : present) {
  const { run } = await import(join(import.meta.dirname, `${name}.mjs`));
  await run((row) => {
    rows.push(row);
    if (values.json) console.log(JSON.stringify(row));
  });
}
if (!values.json) console.table(rows);
