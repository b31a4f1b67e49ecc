// docs/errors.md is put together from docs/errors/*.md, one file for each area. Without an argument this checks that
// it is up to date and that every code in the sources is listed, and nothing else; with --write it writes the page.
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const folder = join(root, 'docs', 'errors');
const page = join(root, 'docs', 'errors.md');

const areas = readdirSync(folder)
  .filter((name) => name.endsWith('.md'))
  .sort();
const sections = areas.map((name) => {
  const text = readFileSync(join(folder, name), 'utf8').trim();
  const heading = `## ${name.slice(0, -3)}`;
  return text.startsWith('#') ? `${heading}\n\n${text.replace(/^#.*\n+/, '')}` : `${heading}\n\n${text}`;
});
const wanted = `# Error codes

Every error that Ledgerlift raises on purpose has a code that never changes its meaning. The message names what was
wrong, with the value, and the way out; this page says it in general. It is put together from \`docs/errors/\` by
\`node scripts/error-codes.mjs --write\`.

${sections.join('\n\n')}
`;

if (process.argv.includes('--write')) {
  writeFileSync(page, wanted);
  process.exit(0);
}

const sources = execFileSync('git', ['ls-files', '-co', '--exclude-standard', 'apps/*.ts', 'libs/*.ts'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((name) => name !== '' && !/\.spec\.ts$|\/spec\/|spec-peers|libs\/testing/.test(name));
const used = new Set(
  sources.flatMap((name) => readFileSync(join(root, name), 'utf8').match(/LL-[A-Z0-9]+-\d{3}/g) ?? []),
);
const problems = [...used]
  .filter((code) => !wanted.includes(code))
  .map((code) => `${code} is in the sources and not in docs/errors/`);
let present = '';
try {
  present = readFileSync(page, 'utf8');
} catch {
  problems.push('docs/errors.md is missing');
}
// Formatting is prettier's business: only words count.
const words = (text) => text.replaceAll(/[\s|-]+/g, ' ');
if (present !== '' && words(present) !== words(wanted))
  problems.push('docs/errors.md is out of date: node scripts/error-codes.mjs --write');
for (const problem of problems.sort()) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;
