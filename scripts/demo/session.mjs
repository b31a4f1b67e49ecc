// What every demo does: an installation of its own in a temporary folder, and commands as a user would type them, each
// shown before it runs.
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { applianceEnvironment, freePort } from '@ledgerlift/testing';

const root = join(import.meta.dirname, '..', '..');
const cli = join(root, 'apps', 'cli', 'dist', 'main.js');
const started = Number(process.env.LEDGERLIFT_STARTED ?? Date.now() / 1000);
export const say = (text) => {
  const passed = Math.floor(Date.now() / 1000 - started);
  const two = (number) => String(number).padStart(2, '0');
  console.log(`[${two(Math.floor(passed / 60))}:${two(passed % 60)}] ${text}`);
};

/** Runs the CLI and shows what it says. @returns its exit code and output */
function ledgerlift(url, ...args) {
  say(`$ ledgerlift ${args.join(' ')}`);
  return new Promise((resolve) => {
    const live = args.includes('--watch');
    const child = spawn(process.execPath, [cli, '--url', url, ...args], {
      stdio: ['ignore', live ? 'inherit' : 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout?.on('data', (chunk) => {
      output += chunk;
      if (!args.includes('--json')) process.stdout.write(chunk);
    });
    child.on('close', (code) => resolve({ code, output }));
  });
}

/** Starts `ledgerlift up` and waits until it says that it is. */
function up(folder, port, nats, more) {
  const args = ['up', '--data-dir', join(folder, 'data'), '--port', port, ...nats].map(String);
  say(`$ ledgerlift ${args.join(' ')}`);
  const env = { ...process.env, ...applianceEnvironment(), ...more };
  const child = spawn(process.execPath, [cli, ...args], { stdio: ['ignore', 'pipe', 'inherit'], env });
  const ready = new Promise((resolve, reject) => {
    let output = '';
    child.stdout.on('data', (chunk) => {
      process.stdout.write(chunk);
      output += chunk;
      if (output.includes('Ledgerlift is up')) resolve();
    });
    child.on('close', () => reject(new Error('ledgerlift up ended')));
  });
  ready.catch(() => undefined);
  const ended = new Promise((resolve) => child.on('close', resolve));
  return { ready, stop: () => (child.kill('SIGTERM'), ended) };
}

/**
 * Plays a demo, and ends the process with 0 where it says that all was as it must be.
 *
 * @param play gets `folder`, `start(environment, natsUrl)`, which resolves when Ledgerlift is up, `define(name, yaml)`, which
 *   writes a file and resolves to its path, `ask(...args)`, which resolves to the exit code and the output of
 *   `ledgerlift …args`, and `must(...args)`, which resolves to its output where it succeeds; resolves to whether all is well
 */
export async function demo(play) {
  const folder = await mkdtemp(join(tmpdir(), 'ledgerlift-demo-'));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  let installation;
  let isWell = false;
  const stop = async () => installation?.stop();
  process.once('SIGINT', () => void stop().then(() => process.exit(130)));
  const ask = (...args) => ledgerlift(url, ...args);
  const must = async (...args) => {
    const { code, output } = await ask(...args);
    if (code !== 0) throw new Error(`'ledgerlift ${args.join(' ')}' failed`);
    return output;
  };
  const start = async (environment = {}, natsUrl = undefined) => {
    const nats = natsUrl === undefined ? ['--nats-port', await freePort()] : ['--nats-url', natsUrl];
    installation = up(folder, port, nats, environment);
    await installation.ready;
  };
  const define = async (name, content) => {
    await writeFile(join(folder, name), content);
    return join(folder, name);
  };
  try {
    isWell = await play({ folder, start, define, ask, must });
  } catch (error) {
    say(`FAILED: ${error.message}`);
  } finally {
    await stop();
  }
  if (isWell) await rm(join(folder, 'data'), { recursive: true, force: true });
  else say(`what is left of it lies in ${folder}`);
  process.exit(isWell ? 0 : 1);
}

/** Says of each claim whether it holds. @returns whether all do */
export function allHold(claims) {
  for (const [claim, holds] of Object.entries(claims)) say(`${holds ? 'ok    ' : 'FAILED'} ${claim}`);
  return Object.values(claims).every(Boolean);
}

/** What came of a migration: its history, and its files. */
export async function tellResult({ folder, must }, migration, name) {
  say('what happened, from the event log:');
  await must('events', migration);
  const result = join(folder, 'out', 'default', name);
  say(`the result lies in ${result}:`);
  for (const file of (await readdir(result, { recursive: true })).sort()) console.log(`        ${file}`);
}
