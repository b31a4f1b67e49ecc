import { type ChildProcess, fork } from 'node:child_process';

/** Starts a TypeScript program of a spec on the sources. It should end when its IPC channel closes, and so with the spec. */
export function forkOnSources(
  program: URL,
  args: readonly string[],
  stderr: 'inherit' | 'pipe' = 'inherit',
): ChildProcess {
  return fork(program, args, {
    execArgv: [
      ...['--conditions', '@ledgerlift/source', '--experimental-transform-types', '--no-warnings'],
      ...['--import', new URL('./run-on-sources.fixture.mjs', import.meta.url).href],
    ],
    // Keeps Jest's own options out.
    env: { PATH: process.env['PATH'] },
    stdio: ['ignore', 'inherit', stderr, 'ipc'],
  });
}
