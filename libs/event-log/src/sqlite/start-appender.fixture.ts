import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';

/** Starts a process that owns the log at `path` and appends to it; it ends with the spec. */
export function startAppender(path: string): ChildProcess {
  const here = import.meta.dirname;
  return fork(join(here, 'appender.fixture.ts'), [path], {
    execArgv: [
      ...['--conditions', '@ledgerlift/source', '--experimental-transform-types', '--no-warnings'],
      ...['--import', join(here, 'run-on-sources.fixture.mjs')],
    ],
    // Jest's own options are not for it.
    env: { PATH: process.env['PATH'] },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
}
