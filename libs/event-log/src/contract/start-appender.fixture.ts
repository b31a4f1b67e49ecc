import { type ChildProcess, fork } from 'node:child_process';

/** Starts the adapter's program that owns the log at `place` and appends to it; it ends with the spec. */
export function startAppender(program: URL, place: string): ChildProcess {
  return fork(program, [place], {
    execArgv: [
      ...['--conditions', '@ledgerlift/source', '--experimental-transform-types', '--no-warnings'],
      ...['--import', new URL('./run-on-sources.fixture.mjs', import.meta.url).href],
    ],
    // Keeps Jest's own options out.
    env: { PATH: process.env['PATH'] },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
}
