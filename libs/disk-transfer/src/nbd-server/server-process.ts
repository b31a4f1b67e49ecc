import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { type FailureClass, LedgerliftError } from '@ledgerlift/contracts';
import { type Cell, environmentOfTools, sandboxCommand } from '../sandbox/index.js';

/** An NBD server could not be started. */
export class NbdServerFailed extends LedgerliftError {
  readonly code = 'LL-DSK-020';
  override readonly failure: FailureClass;
  constructor(command: string, said: string, failure: FailureClass) {
    super(`${command} did not start: ${said.trim().slice(-500) || 'it said nothing'}`);
    this.failure = failure;
  }
}

/** An NBD server of ours, on a unix socket that only this user may enter. */
export interface NbdServer {
  readonly socket: string;
  readonly pid: number;
  /** The end of what it has written to its log so far. */
  said(): string;
  /** How it ended, in words; undefined while it runs. */
  ended(): string | undefined;
  /** Ends it and sees it gone. @param patienceMs after which it is killed; what it was told to flush is durable before */
  stop(patienceMs?: number): Promise<void>;
}

export interface StartOptions {
  /** All that it gets of an environment; none: ours. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Open files that it inherits, as its file descriptors from 3 on. */
  readonly inherited?: readonly number[];
  /** Programs that run it, each with its arguments, such as one that sets limits. */
  readonly through?: readonly string[];
  readonly startTimeoutMs?: number;
  /** What it may reach besides its socket: for a server that opens what others made. None: it runs without a sandbox. */
  readonly cell?: Cell;
}

const START_TIMEOUT_MS = 20_000;
const POLL_MS = 10;
const LOG_KEPT = 16_000;

/**
 * Starts an NBD server that ends with this process, however this process ends.
 *
 * @param args gets the path of the socket to listen on
 * @throws NbdServerFailed
 */
export async function startServer(
  command: string,
  args: (socket: string) => readonly string[],
  { environment, inherited = [], through = [], startTimeoutMs = START_TIMEOUT_MS, cell }: StartOptions = {},
): Promise<NbdServer> {
  const folder = await mkdtemp(join(tmpdir(), 'ledgerlift-nbd-'));
  const socket = join(folder, 'nbd');
  const infoFd = FIRST_INHERITED + inherited.length;
  const sandbox = await sandboxFor(cell, folder, infoFd);
  const given = environment ?? (cell === undefined ? undefined : environmentOfTools());
  // The kernel kills it when the thread that started it is gone (prctl PR_SET_PDEATHSIG): a killed worker leaves no writer.
  const child = spawn(
    'setpriv',
    ['--pdeathsig', 'KILL', '--', ...through, ...sandbox, command, ...args(socket)],
    {
      stdio: ['ignore', 'ignore', 'pipe', ...inherited, ...(sandbox.length === 0 ? [] : ['pipe' as const])],
      ...(given === undefined ? {} : { env: given }),
    },
  );
  const inner = sandbox.length === 0 ? { pid: () => child.pid } : innerPid(child.stdio[infoFd] as Readable);
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-LOG_KEPT)));
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', (error) => {
      said += error.message;
      resolve();
    });
  });
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  const deadline = performance.now() + startTimeoutMs;
  while (!(await greets(socket, deadline - performance.now()))) {
    if (hasEnded(child) || performance.now() > deadline) {
      // It was killed, or is too slow; or qemu's own image lock: somebody else still has the disk open. All that may pass.
      const mayPass = child.exitCode === null || /lock/i.test(said);
      send('SIGKILL', child, inner.pid());
      await ended;
      await remove();
      throw new NbdServerFailed(command, said, mayPass ? 'transient' : 'permanent');
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  await inner.told;
  return {
    socket,
    pid: inner.pid() ?? child.pid ?? 0,
    said: () => said,
    ended: () => (hasEnded(child) ? `it ended with ${endOf(child, sandbox.length > 0)}` : undefined),
    stop: async (patienceMs = 5000) => {
      send('SIGTERM', child, inner.pid());
      const killer = setTimeout(() => send('SIGKILL', child, inner.pid()), patienceMs);
      await ended;
      clearTimeout(killer);
      await remove();
    },
  };
}

/** Standard input, output and error come first. */
const FIRST_INHERITED = 3;

async function sandboxFor(
  cell: Cell | undefined,
  folder: string,
  infoFd: number,
): Promise<readonly string[]> {
  if (cell === undefined) return [];
  const withSocket = { ...cell, write: [...cell.write, folder] };
  try {
    return (await sandboxCommand(withSocket, ['--info-fd', String(infoFd)])) ?? [];
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

interface InnerPid {
  /** @returns undefined until it was told */
  pid(): number | undefined;
  /** Once it was told, or nothing will be. */
  readonly told?: Promise<void>;
}

/** bwrap stays outside and tells the pid of the server, as this machine knows it. */
function innerPid(info: Readable): InnerPid {
  let text = '';
  const pid = (): number | undefined => {
    const found = /"child-pid": *(\d+)/.exec(text)?.[1];
    return found === undefined ? undefined : Number(found);
  };
  const told = new Promise<void>((resolve) => {
    info.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
      if (pid() !== undefined) resolve();
    });
    info.on('error', () => resolve()).on('close', () => resolve());
  });
  return { pid, told };
}

/**
 * A sandbox passes no signal on, and dies of it: the server itself gets it, so that it can close what it opened, and so that
 * the sandbox, which waits for it, ends only after it.
 */
function send(signal: 'SIGTERM' | 'SIGKILL', child: ChildProcess, pid: number | undefined): void {
  if (hasEnded(child)) return;
  if (pid === undefined || pid === child.pid) {
    child.kill(signal);
    return;
  }
  try {
    process.kill(pid, signal);
  } catch {
    // It has just ended; bwrap follows.
  }
}

/** bwrap ends with 128 and the number of the signal that ended the server, as a shell does. */
function endOf({ signalCode, exitCode }: ChildProcess, isSandboxed: boolean): string {
  if (signalCode !== null) return `signal ${signalCode}`;
  const [name] =
    Object.entries(constants.signals).find(([, number]) => isSandboxed && exitCode === 128 + number) ?? [];
  return name === undefined ? `status ${exitCode}` : `signal ${name}`;
}

const hasEnded = (child: ChildProcess): boolean =>
  child.exitCode !== null || child.signalCode !== null || child.pid === undefined;

/** The first word of a server (NBD's proto.md, newstyle negotiation). */
const GREETING = 'NBDMAGIC';

/**
 * Whether the server greets, within so many milliseconds. qemu-nbd listens before it opens its image (qemu-nbd.c, main), so that
 * a connection alone does not show that it could: an image that cannot be opened, or that another server has locked.
 */
const greets = (path: string, withinMs: number): Promise<boolean> =>
  new Promise((resolve) => {
    let said = '';
    const socket = connect(path);
    const end = (): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(said.startsWith(GREETING));
    };
    const timer = setTimeout(end, Math.max(0, withinMs));
    socket.setEncoding('latin1').on('data', (text: string) => {
      said += text;
      if (said.length >= GREETING.length) end();
    });
    socket.once('error', end).once('close', end);
  });
