import { type ChildProcess, fork } from 'node:child_process';

/** A file of this folder of the sources, also where this program runs from what was built of them. */
export const sourceOf = (name: string): URL =>
  new URL(import.meta.url.includes('/dist/') ? `../../src/contract/${name}` : `./${name}`, import.meta.url);

/** Starts a TypeScript program of a spec on the sources. It should end when its IPC channel closes, and so with the spec. */
export function forkOnSources(
  program: URL,
  args: readonly string[],
  stderr: 'inherit' | 'pipe' = 'inherit',
): ChildProcess {
  return fork(program, args, {
    execArgv: [
      ...['--conditions', '@ledgerlift/source', '--experimental-transform-types', '--no-warnings'],
      ...['--import', sourceOf('run-on-sources.fixture.mjs').href],
    ],
    // Keeps Jest's own options out.
    env: { PATH: process.env['PATH'] },
    stdio: ['ignore', 'inherit', stderr, 'ipc'],
  });
}
