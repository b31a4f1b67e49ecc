// `npm run -s check:vsphere -- --runs N --seed S [--first K] [--jobs J] [--seconds T] [--json]`: random warm migrations from a
// simulated vSphere under faults, each decided by its seed and number. Builds first.
import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const node = join(root, 'node_modules', '.bin', 'node');
const built = spawnSync(node, [join(root, 'scripts', 'run.mjs'), 'tsc', '-b'], {
  cwd: root,
  stdio: ['ignore', 2, 2],
});
if (built.status !== 0) process.exit(2);
const main = join(root, 'node_modules', '.cache', 'e2e', 'vsphere-runs', 'main.js');
const child = spawn(node, [main, ...process.argv.slice(2)], { stdio: 'inherit' });
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code) => process.exit(code ?? 1));
