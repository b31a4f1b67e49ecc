// Runs a command with the workspace's own Node (the npm package `node`) first on the PATH, whatever Node is
// installed on the machine: `node scripts/run.mjs jest --selectProjects unit`.
import { spawn } from 'node:child_process';
import { delimiter, join } from 'node:path';

const root = join(import.meta.dirname, '..');
const [command, ...args] = process.argv.slice(2);
const bin = join(root, 'node_modules', '.bin');
const env = { ...process.env, PATH: bin + delimiter + process.env.PATH, NX_DAEMON: 'false' };
if (command === 'jest')
  env.NODE_OPTIONS = `${env.NODE_OPTIONS ?? ''} --experimental-vm-modules --no-warnings`;
const child = spawn(command, args, { stdio: 'inherit', env });
// Whoever stops this means the command. What is typed at a terminal reaches the command by itself.
for (const name of ['SIGTERM', 'SIGHUP']) process.on(name, () => child.kill(name));
process.on('SIGINT', () => undefined);
child.on('error', ({ message }) => {
  console.error(message);
  process.exit(127);
});
child.on('close', (status) => process.exit(status ?? 1));
