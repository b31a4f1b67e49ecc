// docs/reference/configuration.md has a row for each LEDGERLIFT_* variable. This checks that it misses none that the product
// reads, names none that nobody reads, and gives the defaults that the schemas of the settings have.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

const root = join(import.meta.dirname, '..');
const page = 'docs/reference/configuration.md';

const read = (name) => readFileSync(join(root, name), 'utf8');
const files = (...patterns) =>
  execFileSync('git', ['ls-files', '-co', '--exclude-standard', ...patterns], { cwd: root, encoding: 'utf8' })
    .split('\n')
    .filter((name) => name !== '' && name !== 'scripts/settings.mjs');
// What ends with an underscore is the beginning of several names, as in a pattern.
const ofBus = [...read('docs/reference/bus.md').matchAll(/\| (?:stream|KV bucket) `(LEDGERLIFT_\w+)`/g)].map(
  ([, name]) => name,
);
const variablesIn = (names) =>
  new Set(
    names
      .flatMap((name) => read(name).match(/LEDGERLIFT_[A-Z\d_]*[A-Z\d](?![A-Z\d_])/g) ?? [])
      .filter((name) => !ofBus.includes(name)),
  );

const product = files('apps/*.ts', 'libs/*.ts').filter(
  (name) => !/\.spec\.ts$|\.fixture\.ts$|\/spec\/|spec-peers|libs\/testing/.test(name),
);
const inProduct = variablesIn(product);
const elsewhere = variablesIn(
  files('docker-compose.yml', 'scripts/*', 'e2e/*', 'libs/*.spec.ts', 'libs/testing/*', 'jest.config.mjs'),
);

/** The cells of each row that is about a variable. */
const rows = new Map(
  read(page)
    .split('\n')
    .filter((line) => line.startsWith('| `LEDGERLIFT_'))
    .map((line) => line.split('|').map((cell) => cell.trim().replaceAll('`', '')))
    .map(([, name, ...cells]) => [name, cells]),
);

/** The argument of `.default(…)` in a chain of calls; undefined if there is none. */
function defaultIn(node) {
  if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return undefined;
  const { name, expression } = node.expression;
  return name.text === 'default' ? node.arguments[0] : defaultIn(expression);
}

/** What a default says: a string, an empty list, or a product of numbers. */
function valueOf(node) {
  if (ts.isStringLiteral(node)) return node.text;
  if (ts.isArrayLiteralExpression(node) && node.elements.length === 0) return 'none';
  if (ts.isNumericLiteral(node)) return Number(node.text.replaceAll('_', ''));
  if (ts.isBinaryExpression(node)) {
    const [left, right] = [valueOf(node.left), valueOf(node.right)];
    if (node.operatorToken.kind === ts.SyntaxKind.AsteriskToken) return left * right;
    if (node.operatorToken.kind === ts.SyntaxKind.AsteriskAsteriskToken) return left ** right;
  }
  throw new Error(`scripts/settings.mjs cannot evaluate the default '${node.getText()}'`);
}

/** Each variable of a schema, with its default; undefined if it has none. */
function* settingsIn(name) {
  const nodes = [ts.createSourceFile(name, read(name), ts.ScriptTarget.Latest, true)];
  for (let node = nodes.pop(); node !== undefined; node = nodes.pop()) {
    ts.forEachChild(node, (child) => void nodes.push(child));
    if (!ts.isPropertyAssignment(node) || !/^LEDGERLIFT_/.test(node.name.getText())) continue;
    if (!ts.isCallExpression(node.initializer)) continue;
    const given = defaultIn(node.initializer);
    yield [node.name.getText(), given && String(valueOf(given))];
  }
}

const problems = [
  ...[...inProduct].filter((name) => !rows.has(name)).map((name) => `${page} has no row for ${name}`),
  ...[...rows.keys()]
    .filter((name) => !inProduct.has(name) && !elsewhere.has(name))
    .map((name) => `${page} has a row for ${name}, which nobody reads`),
];
for (const name of product)
  for (const [variable, expected] of settingsIn(name)) {
    const said = rows.get(variable)?.[0];
    if (expected !== undefined && said !== undefined && said !== expected)
      problems.push(`${page} says that ${variable} is '${said}' by default; in ${name} it is '${expected}'`);
  }
for (const problem of problems.sort()) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;
