// Who names a kind of source or target. Without this, what belongs to one kind spreads over the services.
//
// Of the sources that ship, only a provider's folder, the registry and the contracts may name a provider, or something that it
// alone uses; and only a target's folder, its registry and the contracts the type of a target, as a string. Specs name whom they
// like. Scripts, and what all end-to-end specs share, name a provider only where the list below says why.
import { existsSync, globSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const read = (file) => readFileSync(join(root, file), 'utf8');
const folders = (home) =>
  readdirSync(join(root, home), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);

const sourceHome = 'libs/providers/src/';
const targetHome = 'libs/targets/src/';
const providers = folders(sourceHome);
/** The type of each kind of target, by its folder. */
const targets = new Map(
  folders(targetHome).flatMap((name) => {
    const index = `${targetHome}${name}/index.ts`;
    const type = existsSync(join(root, index)) && /^ +type: '([a-z0-9-]+)',$/m.exec(read(index))?.[1];
    return type ? [[name, type]] : [];
  }),
);
if (providers.length === 0 || targets.size === 0) throw new Error('no kind of source or of target was found');

const everybody = [/^libs\/(contracts|testing[^/]*)\//, /(\.spec\.ts|\.fixture\.ts|\/spec\/|\/spec-peers\/)/];
const shipped = globSync('{apps,libs}/*/src/**/*.ts', { cwd: root });
const shared = globSync('{scripts/**/*.{mjs,sh},e2e/installation/*.ts}', { cwd: root });

/** Scripts that may name a provider, and why. */
const aboutOneKind = {
  'scripts/kind-names.mjs': 'says which names are looked for',
  'scripts/demo.mjs': 'each demo is a migration from one kind of source',
  'scripts/demo.sh': 'the same',
  'scripts/demo/kubevirt.mjs': 'the same',
  'scripts/demo/ova.mjs': 'the same',
  'scripts/demo/vsphere.mjs': 'the same',
  'scripts/check-vsphere.mjs': 'a campaign against one kind of source',
  'scripts/install-vsphere.sh': 'builds the peers of one kind of source',
  'scripts/install.sh': 'starts what builds them',
  'scripts/test-peers.sh': 'runs a demo',
  'scripts/test-slow.sh': 'runs a campaign',
  'e2e/installation/lab.ts': 'an installation with the lab as its source',
  'e2e/installation/real-guest.ts': 'a real guest in an OVA',
  'e2e/installation/usual-ends.ts': 'the source and the target that specs have which say none',
};

// Names of those that are registered from elsewhere, and of what only a provider has to do with.
const names = [...new Set([...providers, 'lab', 'vddk', 'vmware'])];
const codes = ['LL-VSP-', 'LL-OVA-', 'LL-LAB-'];
// As a word, or as a part of one in camel case: not within `removal` or `LABEL`.
const capital = (name) => name.charAt(0).toUpperCase() + name.slice(1);
const words = names.flatMap((name) => [name, capital(name)]).join('|');
const shouted = names.map((name) => name.toUpperCase()).join('|');
const inside = names.map(capital).join('|');
const aProvider = new RegExp(
  [
    `(?<![A-Za-z])(${words}|vSphere|VMware)(?![a-z])`,
    `(?<=[a-z])(${inside})(?![a-z])`,
    `(?<![A-Za-z])(${shouted})(?![a-z]|[A-Z](?![a-z]))`,
    ...codes,
  ].join('|'),
);
const typeOfTarget = new RegExp(`(["'\`])(${[...targets.values()].join('|')})\\1`);

/** Lines of the files that match, but of those that may. */
const linesWith = (pattern, files, mayName) =>
  files
    .filter((file) => !mayName.some((each) => each.test(file)))
    .sort()
    .flatMap((file) =>
      read(file)
        .split('\n')
        .flatMap((line, index) => {
          const name = pattern.exec(line)?.[0];
          return name === undefined ? [] : [`${file}:${index + 1}: ${name}: ${line.trim()}`];
        }),
    );

const listed = Object.keys(aboutOneKind);
const rules = [
  {
    lines: linesWith(aProvider, shipped, [
      ...everybody,
      new RegExp(`^${sourceHome}((${providers.join('|')})/|registry\\.ts$)`),
    ]),
    wayOut: `Ask the provider by its port (${sourceHome}port.ts) instead.`,
  },
  {
    lines: linesWith(typeOfTarget, shipped, [
      ...everybody,
      new RegExp(`^${targetHome}((${[...targets.keys()].join('|')})/|registry\\.ts$)`),
    ]),
    wayOut: `Ask the target by its port (${targetHome}port.ts) instead.`,
  },
  {
    lines: linesWith(
      aProvider,
      shared.filter((file) => !listed.includes(file)),
      [],
    ),
    wayOut: 'Say it for every kind of source, or in a file of its own that scripts/kind-names.mjs lists.',
  },
  {
    lines: listed.filter((file) => !shared.includes(file) || !aProvider.test(read(file))),
    wayOut: 'These name no provider any more: take them from the list in scripts/kind-names.mjs.',
  },
];
for (const { lines, wayOut } of rules)
  if (lines.length > 0) console.error(`${lines.join('\n')}\n${wayOut}\n`);
process.exitCode = rules.every(({ lines }) => lines.length === 0) ? 0 : 1;
