import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FailureClass, LedgerliftError } from '@ledgerlift/contracts';
import { type Cell, OwnedProcess, inWords } from '@ledgerlift/processes';

/** An NBD server could not be started. */
export class NbdServerFailed extends LedgerliftError {
  readonly code = 'LL-DSK-020';
  override readonly failure: FailureClass;
  constructor(command: string, output: string, failure: FailureClass) {
    super(`${command} did not start: ${output.trim().slice(-500) || 'no output'}`);
    this.failure = failure;
  }
}

/** One of our NBD servers, on a Unix socket that only this user can access. */
export interface NbdServer {
  readonly socket: string;
  readonly pid: number;
  /** Returns the end of its output so far. */
  stderr(): string;
  /** Describes how it exited; undefined while it runs. */
  ended(): string | undefined;
  /** Stops it and waits until it is gone. @param patienceMs time before it is killed; flushed data is durable anyway */
  stop(patienceMs?: number): Promise<void>;
}

export interface StartOptions {
  /** File descriptors that it inherits, as 3 and up. */
  readonly inherited?: readonly number[];
  /** A command prefix that runs it, such as one that sets limits. */
  readonly through?: readonly string[];
  readonly startTimeoutMs?: number;
  /** Sandbox for a server that opens untrusted images: what it may reach besides its socket. Without it, no sandbox. */
  readonly cell?: Cell;
}

const START_TIMEOUT_MS = 20_000;
const POLL_MS = 10;

/**
 * Starts an NBD server that ends with this process, however this process ends.
 *
 * @param args gets the path of the socket to listen on
 * @throws NbdServerFailed
 */
export async function startServer(
  command: string,
  args: (socket: string) => readonly string[],
  options: StartOptions = {},
): Promise<NbdServer> {
  const { startTimeoutMs = START_TIMEOUT_MS, cell, ...rest } = options;
  const folder = await mkdtemp(join(tmpdir(), 'ledgerlift-nbd-'));
  const socket = join(folder, 'nbd');
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  const argv = [command, ...args(socket)] as const;
  let server: OwnedProcess;
  try {
    // An owned process dies with the worker, so a killed worker leaves no writer behind.
    server =
      cell === undefined
        ? OwnedProcess.start(argv, rest)
        : await OwnedProcess.startInCell(argv, { ...cell, write: [...cell.write, folder] }, rest);
  } catch (error) {
    await remove();
    throw error;
  }
  const deadline = performance.now() + startTimeoutMs;
  while (!(await greets(socket, deadline - performance.now()))) {
    if (server.end !== undefined || performance.now() > deadline) {
      server.signal('SIGKILL');
      const { status, error } = await server.ended;
      await remove();
      // May pass: it was killed or is too slow, or another process still has the disk open (qemu's image lock).
      const mayPass = status === undefined || /lock/i.test(server.stderr);
      throw new NbdServerFailed(
        command,
        server.stderr || (error?.message ?? ''),
        mayPass ? 'transient' : 'permanent',
      );
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  await server.identified;
  return {
    socket,
    pid: server.pid ?? 0,
    stderr: () => server.stderr,
    ended: () => server.end && `it ended with ${inWords(server.end)}`,
    stop: async (patienceMs) => {
      await server.stop(patienceMs);
      await remove();
    },
  };
}

/** Starts several servers at once. @throws NbdServerFailed if one fails, after stopping the others */
export async function startAll(
  servers: number,
  start: () => Promise<NbdServer>,
): Promise<readonly NbdServer[]> {
  const started = await Promise.allSettled(Array.from({ length: servers }, () => start()));
  const running = started.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  const failed = started.find((each) => each.status === 'rejected');
  if (failed === undefined) return running;
  await Promise.all(running.map((server) => server.stop()));
  throw failed.reason;
}

/** The first bytes that a server sends (NBD's proto.md, newstyle negotiation). */
const GREETING = 'NBDMAGIC';

/**
 * Whether the server sends its greeting within the time limit. A connection alone proves nothing: qemu-nbd listens before it
 * opens its image (qemu-nbd.c, main), which may be unreadable or locked by another server.
 */
const greets = (path: string, withinMs: number): Promise<boolean> =>
  new Promise((resolve) => {
    let greeting = '';
    const socket = connect(path);
    const end = (): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(greeting.startsWith(GREETING));
    };
    const timer = setTimeout(end, Math.max(0, withinMs));
    socket.setEncoding('latin1').on('data', (text: string) => {
      greeting += text;
      if (greeting.length >= GREETING.length) end();
    });
    socket.once('error', end).once('close', end);
  });
