// Of the sources that ship, only a provider's folder, the registry and the contracts may name a provider, or something that it
// alone uses. Specs name whom they like. Without this, what belongs to one kind of source spreads over the services.
import { readFileSync, readdirSync, globSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const home = 'libs/providers/src/';
const providers = readdirSync(join(root, home), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);
// Of those that are registered from elsewhere, and of what only a provider has to do with.
const names = [...new Set([...providers, 'lab', 'vddk', 'vmware'])];
const codes = ['LL-VSP-', 'LL-OVA-', 'LL-LAB-'];

const mayName = [
  new RegExp(`^${home}(${providers.join('|')})/`),
  new RegExp(`^${home}registry\\.ts$`),
  /^libs\/(contracts|testing[^/]*)\//,
  /(\.spec\.ts|\.fixture\.ts|\/spec\/|\/spec-peers\/)/,
];

// As a word, or as a part of one in camel case: not within `removal` or `LABEL`.
const capital = (name) => name.charAt(0).toUpperCase() + name.slice(1);
const words = names.flatMap((name) => [name, capital(name)]).join('|');
const shouted = names.map((name) => name.toUpperCase()).join('|');
const inside = names.map(capital).join('|');
const pattern = new RegExp(
  [
    `(?<![A-Za-z])(${words}|vSphere|VMware)(?![a-z])`,
    `(?<=[a-z])(${inside})(?![a-z])`,
    `(?<![A-Za-z])(${shouted})(?![a-z]|[A-Z](?![a-z]))`,
    ...codes,
  ].join('|'),
);

const found = globSync('{apps,libs}/*/src/**/*.ts', { cwd: root })
  .filter((file) => !mayName.some((each) => each.test(file)))
  .sort()
  .flatMap((file) =>
    readFileSync(join(root, file), 'utf8')
      .split('\n')
      .flatMap((line, index) => {
        const name = pattern.exec(line)?.[0];
        return name === undefined ? [] : [`${file}:${index + 1}: ${name}: ${line.trim()}`];
      }),
  );
if (found.length > 0) {
  console.error(`${found.length} lines name a provider outside of ${home}<provider>/:\n${found.join('\n')}`);
  console.error('Ask the provider by its port (libs/providers/src/port.ts) instead.');
  process.exit(1);
}
