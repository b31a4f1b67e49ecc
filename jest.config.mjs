// One configuration for the whole workspace. Specs run on the sources: packages resolve by the
// '@ledgerlift/source' export condition, so no build is needed before a unit test.
const swc = [
  '@swc/jest',
  {
    jsc: {
      target: 'es2024',
      parser: { syntax: 'typescript', decorators: true },
      transform: { legacyDecorator: true, decoratorMetadata: true },
    },
    module: { type: 'es6' },
  },
];
// A clock of its own for specs that need no other process: see scripts/clock-ahead.mjs.
const setupFiles =
  process.env.LEDGERLIFT_CLOCK_AHEAD_DAYS === undefined ? [] : ['<rootDir>/scripts/clock-ahead.mjs'];
const project = (displayName, testMatch, extra = {}) => ({
  displayName,
  testMatch,
  rootDir: import.meta.dirname,
  testEnvironment: 'node',
  testEnvironmentOptions: { customExportConditions: ['@ledgerlift/source', 'node', 'node-addons'] },
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '^.+\\.ts$': swc },
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  setupFiles,
  modulePathIgnorePatterns: ['<rootDir>/.*/dist/'],
  ...extra,
});
export default {
  projects: [
    project('unit', ['<rootDir>/{apps,libs}/**/src/**/!(*.int|*.peer|*.slow).spec.ts']),
    project('int', ['<rootDir>/{apps,libs}/**/src/**/*.int.spec.ts']),
    project('e2e', ['<rootDir>/e2e/**/*.e2e.spec.ts']),
    // What takes minutes each, with real guests and the real virt-v2v, or a real Kubernetes: `npm run test:peers`.
    project('peers', [
      '<rootDir>/{apps,libs}/**/src/**/*.peer.spec.ts',
      '<rootDir>/e2e/peers/*.peer.spec.ts',
    ]),
    // A node that runs pods, and what takes longer than fits beside everything else: `npm run test:slow`.
    project('slow', ['<rootDir>/{apps,libs}/**/src/**/*.slow.spec.ts', '<rootDir>/e2e/slow/*.slow.spec.ts']),
  ],
  // A hang is found as well after five minutes; a test that waits for a busy machine is no failure.
  testTimeout: 300_000,
};
