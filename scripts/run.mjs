// Runs a command with the workspace's own Node (the npm package `node`) first on the PATH, whatever Node is
// installed on the machine: `node scripts/run.mjs jest --selectProjects unit`.
import { spawnSync } from 'node:child_process';
import { delimiter, join } from 'node:path';

const root = join(import.meta.dirname, '..');
const [command, ...args] = process.argv.slice(2);
const bin = join(root, 'node_modules', '.bin');
const env = { ...process.env, PATH: bin + delimiter + process.env.PATH, NX_DAEMON: 'false' };
if (command === 'jest')
  env.NODE_OPTIONS = `${env.NODE_OPTIONS ?? ''} --experimental-vm-modules --no-warnings`;
const { status, signal, error } = spawnSync(command, args, { stdio: 'inherit', env });
if (error) console.error(error.message);
process.exit(status ?? (signal ? 1 : 127));
