import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { typescriptArguments } from '@ledgerlift/testing';

/** Starts one of our TypeScript files as a separate process, which a spec can kill. */
export function startChild(file: URL, args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [...typescriptArguments, fileURLToPath(file), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
}
