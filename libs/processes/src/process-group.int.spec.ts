import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import { typescriptArguments, until } from '@ledgerlift/testing';
import { runToEnd } from './run-to-end.js';

/** Nobody else on this machine sleeps so long. */
const seconds = `98${process.pid}`;

function sleepers(): readonly string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8') === `sleep\0${seconds}\0`;
    } catch {
      return false;
    }
  });
}

it('the half that is left when the other is killed is ended', async () => {
  const half = ['-c', `sleep ${seconds} & kill -KILL $$`];
  // It holds our pipes: without a watcher this would wait for it until the time is over.
  const ran = await runToEnd('sh', half, { timeoutMs: 120_000, group: 'ends-with-us' });
  expect(ran).toMatchObject({ status: undefined, why: 'signal SIGKILL' });
  await until('no sleeper', () => sleepers().length === 0);
});

it('all of it ends with the process that started it, however that ends', async () => {
  const script = `
    import { runToEnd } from ${JSON.stringify(new URL('./run-to-end.ts', import.meta.url).href)};
    const both = ['-c', 'sleep ${seconds} & sleep ${seconds}'];
    await runToEnd('sh', both, { timeoutMs: 1e6, group: 'ends-with-us' });`;
  const args = [...typescriptArguments, '--input-type=module', '-e', script];
  const starter = spawn(process.execPath, args, {
    stdio: 'inherit',
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  await until('both sleepers', () => sleepers().length === 2);
  starter.kill('SIGKILL');
  await until('no sleeper', () => sleepers().length === 0);
});
