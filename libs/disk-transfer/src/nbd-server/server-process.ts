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
    // A killed worker leaves no writer.
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
      // It was killed, or is too slow; or qemu's own image lock: somebody else still has the disk open. All that may pass.
      const mayPass = status === undefined || /lock/i.test(server.said);
      throw new NbdServerFailed(
        command,
        server.said || (error?.message ?? ''),
        mayPass ? 'transient' : 'permanent',
      );
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  await server.identified;
  return {
    socket,
    pid: server.pid ?? 0,
    said: () => server.said,
    ended: () => server.end && `it ended with ${inWords(server.end)}`,
    stop: async (patienceMs) => {
      await server.stop(patienceMs);
      await remove();
    },
  };
}

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
