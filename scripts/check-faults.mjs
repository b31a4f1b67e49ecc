// Random histories of whole installations under faults: npm run -s check:faults -- --runs N --seed S --json
// A run is repeated from its seed: --runs 1 --seed S. The last line says what was lost, doubled, leaked or stuck.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const { status } = spawnSync(
  join(root, 'node_modules', '.bin', 'node'),
  [
    '--no-warnings',
    '--experimental-transform-types',
    '--import',
    join(root, 'scripts', 'typescript-hooks.mjs'),
    join(root, 'e2e', 'faults', 'main.ts'),
    ...process.argv.slice(2),
  ],
  { stdio: 'inherit' },
);
process.exit(status ?? 1);
