// What the campaigns of random runs have in common: builds, then runs the `main.ts` of a folder of e2e with this process's arguments,
// and ends as it ends.
import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');

/**
 * @param folder of e2e
 * @param options `under`: a command that runs the campaign, such as `unshare`; `env`: more environment
 */
export function runCampaign(folder, { under = [], env = {} } = {}) {
  const node = join(root, 'node_modules', '.bin', 'node');
  const built = spawnSync(node, [join(root, 'scripts', 'run.mjs'), 'tsc', '-b'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (built.status !== 0) process.exit(2);
  const main = join(root, 'node_modules', '.cache', 'e2e', folder, 'main.js');
  const [command, ...args] = [...under, node, main, ...process.argv.slice(2)];
  const child = spawn(command, args, { stdio: 'inherit', env: { ...process.env, ...env } });
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code) => process.exit(code ?? 1));
}
