import { type ChildProcess, fork } from 'node:child_process';

/** Starts a process that owns the log at `path` and appends to it; it ends with the spec. */
export function startAppender(path: string): ChildProcess {
  return fork(new URL('./appender.fixture.ts', import.meta.url), [path], {
    execArgv: [
      ...['--conditions', '@ledgerlift/source', '--experimental-transform-types', '--no-warnings'],
      ...['--import', new URL('./run-on-sources.fixture.mjs', import.meta.url).href],
    ],
    // Keeps Jest's own options out.
    env: { PATH: process.env['PATH'] },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
}
