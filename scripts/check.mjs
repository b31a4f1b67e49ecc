// `npm run check`: format, lint, types, dependency arrows, dead exports, error codes, settings, and who names a kind of source or target. All of them run,
// even when one fails; two at a time. `node scripts/check.mjs lint types` runs only those.
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const cached = (folder) => join(root, 'node_modules', '.cache', folder);

// The longest first, so that the others fit beside it.
const checks = {
  lint: ['eslint', '--cache', '--cache-location', cached('eslint/'), '--max-warnings', '0', '.'],
  types: ['tsc', '-b'],
  format: ['prettier', '--check', '--cache', '--log-level', 'warn', '.'],
  arrows: ['depcruise', '--config', '.dependency-cruiser.cjs', '--output-type', 'err', 'apps', 'libs'],
  exports: ['knip', '--no-progress'],
  errors: ['node', 'scripts/error-codes.mjs'],
  settings: ['node', 'scripts/settings.mjs'],
  names: ['node', 'scripts/kind-names.mjs'],
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(name in checks));
if (unknown.length > 0) {
  console.error(`no check is named ${unknown.join(', ')}; there are ${Object.keys(checks).join(', ')}`);
  process.exit(2);
}
const queue = asked.length === 0 ? Object.keys(checks) : asked;
const failed = [];
const start = Date.now();
await Promise.all(Array.from({ length: Math.min(availableParallelism(), queue.length) }, work));
const seconds = ((Date.now() - start) / 1000).toFixed(1);
console.log(
  failed.length === 0
    ? `check: all is well (${seconds} s)`
    : `check: FAILED: ${failed.join(', ')} (${seconds} s)`,
);
process.exitCode = failed.length === 0 ? 0 : 1;

async function work() {
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    const began = Date.now();
    const { code, output } = await run(checks[name]);
    const took = `${((Date.now() - began) / 1000).toFixed(1)} s`;
    console.log(`${code === 0 ? 'ok    ' : 'FAILED'} ${name.padEnd(8)} ${took}`);
    if (code === 0) continue;
    failed.push(name);
    console.log(output.trimEnd());
  }
}

function run(command) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(root, 'scripts', 'run.mjs'), ...command], { cwd: root });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => {
        output += text;
      });
    child.on('close', (code) => resolve({ code, output }));
  });
}
