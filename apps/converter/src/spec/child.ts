import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Starts one of our TypeScript files as a process of its own, which a spec can kill. */
export function startChild(file: URL, args: readonly string[]): ChildProcess {
  return spawn(
    process.execPath,
    [
      '--no-warnings',
      '--conditions=@ledgerlift/source',
      '--experimental-transform-types',
      '--import',
      join(import.meta.dirname, '..', '..', '..', '..', 'scripts', 'typescript-hooks.mjs'),
      fileURLToPath(file),
      ...args,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, NODE_OPTIONS: '' } },
  );
}
