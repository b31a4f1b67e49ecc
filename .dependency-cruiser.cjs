// The arrows of the architecture. Specs, and what only specs use, may also look at the tests' own peers.
const specs = String.raw`(\.spec\.ts|\.fixture\.ts|/spec/|/spec-peers/)`;
// The folder of a kind of target: all that is none of the rooms which they share.
const target = '(?!(?:files|spec|vm-model)/)[^/]+';
const rule = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to });

// Which libraries a library may import, besides itself.
const arrows = {
  contracts: [],
  migration: ['contracts'],
  'event-log': ['contracts'],
  processes: ['contracts'],
  'disk-transfer': ['contracts', 'processes'],
  messaging: ['contracts'],
  'nats-keys': [],
  secrets: ['contracts'],
  service: ['contracts'],
  worker: ['contracts', 'messaging', 'service'],
  xml: [],
  providers: ['contracts', 'disk-transfer', 'secrets', 'xml'],
  targets: ['contracts', 'disk-transfer', 'processes', 'secrets', 'xml'],
  planning: ['contracts', 'event-log', 'migration', 'providers', 'targets'],
  extensions: ['contracts', 'providers', 'targets'],
  testing: ['contracts', 'nats-keys'],
  'testing-extensions': ['contracts', 'providers', 'targets'],
};

module.exports = {
  forbidden: [
    ...Object.entries(arrows).map(([lib, others]) =>
      rule(
        `${lib}-imports-${others.join('-and-') || 'no-other-library'}`,
        'See the layout in the architecture: each library lies on those below it.',
        { path: `^libs/${lib}/src/`, pathNot: specs },
        { path: '^libs/', pathNot: `^libs/(${[lib, ...others].join('|')})/` },
      ),
    ),
    rule(
      'every-library-has-its-arrows',
      'A new library says above what it may import.',
      { path: '^libs/', pathNot: `^libs/(${Object.keys(arrows).join('|')})/` },
      {},
    ),
    rule(
      'workers-reach-the-bus-through-their-runtime',
      'Claims, leases and reports are the worker library; a worker has no other way to the planner, and no log.',
      { path: '^apps/(transfer|converter|vm-creator)/', pathNot: specs },
      { path: '^libs/(messaging|migration|event-log)/' },
    ),
    rule(
      'only-the-registry-knows-a-provider',
      'What is asked of a source is asked by its port.',
      {
        path: '^(apps|libs)/',
        pathNot: [specs, '^libs/providers/src/registry\\.ts$', '^libs/providers/src/[^/]+/'],
      },
      { path: '^libs/providers/src/[^/]+/' },
    ),
    rule(
      'a-provider-is-its-folder',
      'No provider knows another; what several need lies beside their folders.',
      { path: '^libs/providers/src/([^/]+)/', pathNot: specs },
      { path: '^libs/providers/src/[^/]+/', pathNot: '^libs/providers/src/$1/' },
    ),
    rule(
      'only-one-room-starts-processes',
      'So that each is owned: tied to this process, in a sandbox where it opens what others made, and seen gone.',
      { path: '^(apps|libs)/', pathNot: [specs, '^libs/(processes|testing)/', '/contract/'] },
      { path: '^(node:)?(child_process|cluster)$', dependencyTypesNot: ['type-only'] },
    ),
    rule(
      'only-one-room-reads-and-writes-xml',
      'So that its limits hold for every document, and its escaping for every value.',
      { path: '^(apps|libs)/', pathNot: '^libs/xml/' },
      { path: 'node_modules/(saxes|fast-xml-builder)/' },
    ),
    rule(
      'a-kind-of-target-is-known-to-the-registry-only',
      'Everything else asks the port: what it needs of a target, every kind of target has.',
      {
        path: '^(apps|libs)/',
        pathNot: ['^libs/targets/src/registry\\.ts$', `^libs/targets/src/${target}/`],
      },
      { path: `^libs/targets/src/${target}/` },
    ),
    rule(
      'a-kind-of-target-is-its-folder',
      'No kind of target knows another; what several need lies beside their folders.',
      { path: `^libs/targets/src/(${target})/` },
      { path: `^libs/targets/src/${target}/`, pathNot: '^libs/targets/src/$1/' },
    ),
    rule(
      'the-kubevirt-target-is-its-folder',
      'As every kind of target.',
      { path: '^(apps|libs)/', pathNot: '^libs/targets/src/(registry\\.ts$|kubevirt/)' },
      { path: '^libs/targets/src/kubevirt/' },
    ),
    rule(
      'the-planner-is-no-worker',
      'The planner decides; it never carries out a step.',
      { path: '^apps/planner/', pathNot: specs },
      { path: '^libs/worker/' },
    ),
    rule(
      'apps-never-import-apps',
      'Services speak over the bus; what two of them need belongs into a lib.',
      { path: '^apps/([^/]+)/' },
      { path: '^apps/(?!$1/)' },
    ),
    rule('libs-never-import-apps', 'An app is a leaf.', { path: '^libs/' }, { path: '^apps/' }),
    rule(
      'contracts-imports-zod-only',
      'What crosses every boundary depends on nothing.',
      { path: '^libs/contracts/src/', pathNot: specs },
      { pathNot: ['^libs/contracts/src/', 'node_modules/zod/'] },
    ),
    rule(
      'migration-imports-contracts-only',
      'The deciders are pure: no I/O, no clock, no randomness.',
      { path: '^libs/migration/src/', pathNot: specs },
      { pathNot: ['^libs/migration/src/', '^libs/contracts/src/index\\.ts$'] },
    ),
    rule(
      'planning-has-no-nest-no-nats-and-no-io',
      'It judges what it is told. Whom the planner asks over NATS, or by NBD, it asks behind a port that this library declares.',
      { path: '^libs/planning/src/', pathNot: specs },
      { pathNot: ['^libs/', 'node_modules/(zod|csv-parse|csv-stringify)/', '^(node:)?util$'] },
    ),
    rule(
      'testing-only-from-specs',
      'Nothing that ships may need what tests need.',
      { path: '^(apps|libs)/', pathNot: [specs, '^libs/testing(-extensions)?/'] },
      { path: '^libs/testing(-extensions)?/' },
    ),
    rule(
      'specs-only-from-specs',
      'Nothing that ships may import a spec or its peers.',
      { path: '^(apps|libs)/', pathNot: [specs, '^libs/testing/'] },
      { path: specs },
    ),
    rule(
      'through-the-door',
      'A package is entered by its name, never by a path into it.',
      { path: '^(apps|libs)/([^/]+)/' },
      {
        path: '^(apps|libs)/',
        pathNot: [
          '^$1/$2/',
          '^libs/[^/]+/src/index\\.ts$',
          '^libs/event-log/src/contract/index\\.ts$',
          '^libs/planning/src/spec/index\\.ts$',
        ],
      },
    ),
    rule(
      'no-circles',
      'Two rooms that need each other are one room.',
      {},
      { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    ),
    rule('what-is-imported-exists', 'An import that leads nowhere.', {}, { couldNotResolve: true }),
  ],
  options: {
    exclude: { path: '^(apps|libs)/[^/]+/dist/' },
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    moduleSystems: ['es6'],
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['@ledgerlift/source', 'import', 'node', 'default', 'types'],
      extensions: ['.ts', '.js', '.mjs', '.cjs', '.json'],
      mainFields: ['module', 'main', 'types'],
    },
    cache: { folder: 'node_modules/.cache/dependency-cruiser', strategy: 'metadata' },
  },
};
