// `npm run -s check:faults -- --runs N --seed S [--first K] [--jobs J] [--seconds T] [--keep DIR] [--json]`: random runs of
// the whole system under faults, each decided by its seed and number; see e2e/faults/README.md. Builds first.
import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const node = join(root, 'node_modules', '.bin', 'node');
const built = spawnSync(node, [join(root, 'scripts', 'run.mjs'), 'tsc', '-b'], {
  cwd: root,
  stdio: ['ignore', 2, 2],
});
if (built.status !== 0) process.exit(2);

// Disks that are full or read-only are mounts. In a mount namespace of its own none of them outlives the process.
const apart = ['--mount', '--propagation', 'private', '--'];
const mounts = spawnSync('unshare', [...apart, 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0;
if (!mounts) console.error('no mounts here: the faults of full and read-only disks are left out');
const main = [
  node,
  join(root, 'node_modules', '.cache', 'e2e', 'faults', 'main.js'),
  ...process.argv.slice(2),
];
const [command, ...args] = mounts ? ['unshare', ...apart, ...main] : main;
const child = spawn(command, args, {
  stdio: 'inherit',
  env: { ...process.env, LEDGERLIFT_FAULT_MOUNTS: mounts ? 'yes' : 'no' },
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code) => process.exit(code ?? 1));
