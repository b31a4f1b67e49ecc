import { describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** Runs a process of its own that ends as services do; Node reads the source as it is, for it has types to strip only. */
async function run(body: string, signals: readonly NodeJS.Signals[]) {
  const script = `
    const { endGracefully } = await import(${JSON.stringify(join(import.meta.dirname, 'shutdown.ts'))});
    const say = (...args) => console.log(args.at(-1));
    const logger = { info: say, warn: say, error: say, fatal: say };
    setInterval(() => undefined, 1000);
    ${body}
    console.log('up');`;
  const child = spawn(process.execPath, ['--no-warnings', '--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
    // Jest's own options are not for this one.
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  let output = '';
  child.stdout.setEncoding('utf8');
  child.stdout.on('data', (text: string) => {
    output += text;
    if (text.includes('up') && signals[0] !== undefined) child.kill(signals[0]);
    if (text.includes('shutting down') && signals[1] !== undefined) child.kill(signals[1]);
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  return { code, output };
}

describe('a service that is to end', () => {
  it('does what is left to do, in order, and a step that fails stops none after it', async () => {
    const { code, output } = await run(
      `endGracefully({ logger, steps: [
        { name: 'a', run: async () => { console.log('drained'); throw new Error('no'); } },
        { name: 'b', run: async () => console.log('closed') },
      ] });`,
      ['SIGTERM'],
    );
    expect(code).toBe(0);
    expect(output).toMatch(/shutting down[^]*drained[^]*a step of the shutdown failed[^]*closed/);
  });

  it('says so when it ends because its parent died', async () => {
    const script = `
      const { endGracefully } = await import(${JSON.stringify(join(import.meta.dirname, 'shutdown.ts'))});
      const say = (...args) => console.log(args.at(-1));
      setInterval(() => undefined, 1000);
      endGracefully({ logger: { info: say, warn: say, error: say, fatal: say }, steps: [] });
      console.log('up');`;
    const [node, dash] = [process.execPath, '--no-warnings'];
    // The shell stays, for it has something to do afterwards.
    const parent = spawn(
      'sh',
      ['-c', 'setpriv --pdeathsig TERM -- "$@"; true', 'sh', node, dash, '--input-type=module', '-e', script],
      { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, NODE_OPTIONS: '' } },
    );
    let output = '';
    parent.stdout.setEncoding('utf8');
    parent.stdout.on('data', (text: string) => {
      output += text;
      if (output.includes('up')) parent.kill('SIGKILL');
    });
    // The child has the pipe, too: it is closed once both are gone.
    await once(parent, 'close');
    expect(output).toContain('the process that started this one is gone');
  });

  it('ends at once at the second signal', async () => {
    const { code, output } = await run(
      `endGracefully({ logger, steps: [{ name: 'a', run: () => new Promise(() => undefined) }] });`,
      ['SIGINT', 'SIGINT'],
    );
    expect(code).toBe(1);
    expect(output).toContain('second signal: exiting at once');
  });

  it('ends when its steps take too long', async () => {
    const { code } = await run(
      `endGracefully({ logger, timeoutMs: 200, steps: [{ name: 'a', run: () => new Promise(() => undefined) }] });`,
      ['SIGTERM'],
    );
    expect(code).toBe(1);
  });

  it('ends with 1 when something was thrown that nobody caught', async () => {
    const { code, output } = await run(
      `endGracefully({ logger, steps: [] }); setTimeout(() => void Promise.reject(new Error('lost')), 50);`,
      [],
    );
    expect(code).toBe(1);
    expect(output).toContain('uncaught error; exiting');
  });
});
