import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { v7 as uuid } from 'uuid';
import {
  type Mark,
  type ProcessId,
  endMarked,
  identify,
  isAlive,
  markedProcesses,
  sendSignal,
} from './process-table.js';

/**
 * The first process of the group. It waits for our word, so that nothing runs before it is written down who runs;
 * then one child runs the command, and another watches the pipe from us: the kernel closes that when we die, however
 * we die, and the whole group is killed. Nothing of the group outlives this process.
 *
 * 0: the pipe from us, 1 and 2: output, 3: what the command tells programs, 4: the command's exit status, 5: its input.
 */
const LEADER = `
exec 6<&0 </dev/null
read -r word <&6 || exit 0
(while read -r word <&6; do :; done; kill -KILL 0) >/dev/null 2>&1 3>&- 4>&- 5<&- &
"$@" <&5 4>&- 5<&- 6<&- &
wait $!
echo $? >&4
exec 1>/dev/null 2>&1 3>&- 4>&- 5<&-
wait
`;

/** In the environment of each process of a marked group, wherever it went. */
const MARK_VARIABLE = 'LEDGERLIFT_PROCESS_MARK';

/** Until when what was killed must be gone. */
const END_PATIENCE_MS = 10_000;
/** What left the group alone may hold our pipes; it is not waited for longer. */
const PIPES_MS = 500;
const POLL_MS = 50;

export interface GroupOptions {
  readonly argv: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly onStdout: (chunk: Buffer) => void;
  readonly onStderr: (chunk: Buffer) => void;
  /** What comes on file descriptor 3. */
  readonly onMessages?: (chunk: Buffer) => void;
  /** What the command reads on its standard input. */
  readonly input?: string;
  /**
   * What becomes of processes that leave the group, by a session of their own. `ended`: they are found by a mark in their
   * environment, also by whoever comes after us. `left-alone`: the environment is exactly what was given.
   */
  readonly strays: 'ended' | 'left-alone';
}

/** What names a group to whoever comes after us. */
export interface GroupIdentity extends ProcessId {
  /** Empty: strays are left alone. */
  readonly mark: string;
}

/** Processes of a group that did not end although they were killed. */
export class GroupAlive extends Error {
  override readonly name = 'GroupAlive';
  constructor(readonly pids: readonly number[]) {
    super(`still alive after SIGKILL: ${pids.join(', ')}`);
  }
}

/** A command with all that it starts, in a session of its own, that ends with this process at the latest. */
export class ProcessGroup {
  readonly identity: GroupIdentity;
  readonly #leader: ChildProcess;
  readonly #lifeline: Writable;
  readonly #status: Promise<number>;
  readonly #closed: Promise<unknown>;

  /** Starts the group's first process only; the command waits for `go`. */
  static async prepare(options: GroupOptions): Promise<ProcessGroup> {
    const mark = options.strays === 'ended' ? uuid() : '';
    const leader = spawn('/bin/sh', ['-c', LEADER, 'ledgerlift-group', ...options.argv], {
      cwd: options.cwd,
      env: mark === '' ? { ...options.env } : { ...options.env, [MARK_VARIABLE]: mark },
      // Becomes the leader of a session and a process group.
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe', 'pipe', 'pipe', 'pipe'],
    });
    await once(leader, 'spawn');
    const pid = leader.pid ?? 0;
    const id = (await identify(pid)) ?? { pid, startTicks: 0 };
    return new ProcessGroup(leader, { ...id, mark }, options);
  }

  private constructor(leader: ChildProcess, identity: GroupIdentity, options: GroupOptions) {
    this.identity = identity;
    this.#leader = leader;
    const [lifeline, stdout, stderr, messages, status, input] = leader.stdio as unknown as [
      Writable,
      Readable,
      Readable,
      Readable,
      Readable,
      Writable,
    ];
    this.#lifeline = lifeline;
    // The leader may be gone when we speak or hang up, and a command need not read what it is given.
    for (const stream of [lifeline, input]) stream.on('error', () => undefined);
    stdout.on('data', options.onStdout);
    stderr.on('data', options.onStderr);
    messages.on('data', options.onMessages ?? (() => undefined));
    input.end(options.input ?? '');
    this.#closed = once(leader, 'close');
    this.#status = readStatus(status);
  }

  /** Lets the command run. */
  go(): void {
    this.#lifeline.write('go\n');
  }

  /**
   * The command's exit status, 128 + n when signal n ended it; 137 when the group was killed as a whole. Processes
   * that it started may still run.
   */
  get exited(): Promise<number> {
    return this.#status;
  }

  /**
   * Waits until the processes that the command started have ended by themselves.
   * @returns false when some still run after this time
   */
  async settled(timeoutMs: number, signal: AbortSignal): Promise<boolean> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      signal.throwIfAborted();
      // Two are left: the leader and its watcher.
      if ((await markedProcesses(markOfGroup(this.identity))).length <= 2) return true;
      if (performance.now() > deadline) return false;
      await delay(POLL_MS);
    }
  }

  /** Kills what is left, and returns when all of it is gone and its output was read. @throws GroupAlive */
  async end(): Promise<void> {
    const isMarked = this.identity.mark !== '';
    if (isMarked) await endGroup(this.identity);
    // Once the leader is gone the group was killed, and its number may be somebody else's.
    else if (this.#leader.exitCode === null && this.#leader.signalCode === null)
      sendSignal(-this.identity.pid, 'SIGKILL');
    this.#lifeline.destroy();
    const closed = this.#closed.then(() => true);
    const patienceMs = isMarked ? END_PATIENCE_MS : PIPES_MS;
    if (await Promise.race([closed, delay(patienceMs, false, { ref: false })])) return;
    // Something unknown was handed our pipes. It is not of the group, and not waited for.
    for (const stream of this.#leader.stdio) stream?.destroy();
  }
}

async function readStatus(stream: Readable): Promise<number> {
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  return text === '' ? 137 : Number(text);
}

/**
 * Kills a marked group, by its first process where that still lives and by its mark, and sees it gone.
 * @returns how many processes were found
 * @throws GroupAlive
 */
export async function endGroup(identity: GroupIdentity): Promise<number> {
  // A pid is not given anew while a group of that number has members, so a living leader is the one we mean.
  if (identity.pid > 1 && (await isAlive(identity))) sendSignal(-identity.pid, 'SIGKILL');
  const { found, left } = await endMarked(markOfGroup(identity), { graceMs: 0, patienceMs: END_PATIENCE_MS });
  if (left.length > 0) throw new GroupAlive(left.map(({ pid }) => pid));
  return found.length;
}

/** What each process of a marked group carries in its environment. */
export const markOfGroup = ({ mark }: Pick<GroupIdentity, 'mark'>): Mark => ({
  variable: MARK_VARIABLE,
  value: mark,
});
