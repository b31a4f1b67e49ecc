// Breaks a rule of the deciders on purpose, one at a time, and sees that the simulation notices each.
// node scripts/mutants.mjs [--steps N] [name…]
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { execFile } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import ts from 'typescript';
import { mutants } from './mutants/rules.mjs';

const run = promisify(execFile);
const root = join(import.meta.dirname, '..');
const source = join(root, 'libs', 'migration', 'src');
// Beside the package, so that what it imports is found from there.
const place = join(root, 'libs', 'migration', '.mutants');
const { values, positionals } = parseArgs({
  options: { steps: { type: 'string', default: '400000' } },
  allowPositionals: true,
});

async function build(folder, mutant) {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  // Without a name: Jest takes two packages of one name for a mistake.
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }\n');
  for (const file of await readdir(source, { recursive: true })) {
    if (!file.endsWith('.ts') || file.endsWith('.spec.ts') || file.endsWith('specification.ts')) continue;
    let text = await readFile(join(source, file), 'utf8');
    if (mutant?.file === file) text = text.replace(mutant.rule, mutant.broken);
    const { outputText } = ts.transpileModule(text, {
      compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ESNext },
    });
    const out = join(folder, file.replace(/\.ts$/, '.js'));
    await mkdir(join(out, '..'), { recursive: true });
    await writeFile(out, outputText);
  }
}

async function isNoticed(folder) {
  const play = JSON.stringify(join(folder, 'spec', 'simulation', 'play.js'));
  const laws = JSON.stringify(join(folder, 'spec', 'simulation', 'laws.js'));
  const code = `
    const [{ play }, { LawBroken }] = await Promise.all([import(${play}), import(${laws})]);
    try {
      play(${Number(values.steps)}, 1);
    } catch (error) {
      if (!(error.cause instanceof LawBroken)) throw error;
      console.log(error.message.split('\\n')[0]);
    }`;
  // Only a law that was broken counts: a mutant that crashes, or never ends, says nothing about the laws.
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', code], {
    timeout: 240_000,
  }).catch((error) => {
    throw new Error(`the simulation broke down: ${error.stderr?.slice(0, 600) || error.message}`);
  });
  return stdout === '' ? undefined : stdout.trimEnd();
}

// A rule that moved is told before minutes are spent on the others.
for (const { name, file, rule } of mutants)
  if (!(await readFile(join(source, file), 'utf8')).includes(rule))
    throw new Error(`${name}: ${file} does not have "${rule}" any more`);
try {
  await build(join(place, 'whole'));
  const broken = await isNoticed(join(place, 'whole'));
  if (broken !== undefined) throw new Error(`the rules as they are do not hold: ${broken}`);
  let missed = 0;
  const queue = mutants.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
  const tryAll = async (_, worker) => {
    const folder = join(place, `mutant-${worker}`);
    for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
      await build(folder, mutant);
      const notice = await isNoticed(folder);
      if (notice === undefined) missed += 1;
      console.log(
        `${notice === undefined ? 'MISSED ' : 'noticed'}  ${mutant.name}${notice === undefined ? '' : `  (${notice})`}`,
      );
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, tryAll));
  console.log(missed === 0 ? 'every broken rule was noticed' : `${missed} broken rules were not noticed`);
  process.exitCode = missed === 0 ? 0 : 1;
} finally {
  await rm(place, { recursive: true, force: true });
}
