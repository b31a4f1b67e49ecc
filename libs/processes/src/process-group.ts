import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { v7 as uuid } from 'uuid';
import {
  endMarked,
  identify,
  isAlive,
  type Mark,
  markedProcesses,
  type ProcessId,
  sendSignal,
} from './process-table.js';

/**
 * The first process of the group. It waits for a line from us, so that the group is recorded before anything runs;
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

/** How long killed processes may take to be gone. */
const END_PATIENCE_MS = 10_000;
/** How long to wait for pipes that processes outside the group may hold. */
const PIPES_MS = 500;
const POLL_MS = 50;

export interface GroupOptions {
  readonly argv: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly onStdout: (chunk: Buffer) => void;
  readonly onStderr: (chunk: Buffer) => void;
  /** Gets the output on file descriptor 3. */
  readonly onMessages?: (chunk: Buffer) => void;
  /** The command's standard input. */
  readonly input?: string;
  /**
   * How to treat processes that leave the group by a session of their own. `ended`: we, or a later process, find them by a mark in
   * their environment. `left-alone`: the environment is exactly as given.
   */
  readonly strays: 'ended' | 'left-alone';
}

/** Identifies a group, also for a later process. */
export interface GroupIdentity extends ProcessId {
  /** Empty: strays are left alone. */
  readonly mark: string;
}

/** Processes of a group are still alive after SIGKILL. */
export class GroupAlive extends Error {
  override readonly name = 'GroupAlive';
  constructor(readonly pids: readonly number[]) {
    super(`still alive after SIGKILL: ${pids.join(', ')}`);
  }
}

/** A command with every process that it starts, in a session of its own. Ends with this process at the latest. */
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
   * The command's exit status: 128 + n if signal n ended it; 137 if the whole group was killed. Processes that it started may
   * still run.
   */
  get exited(): Promise<number> {
    return this.#status;
  }

  /**
   * Waits until the processes that the command started have ended on their own.
   * @returns false if some still run after this time
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

  /** Kills the remaining processes. Resolves when all are gone and their output was read. @throws GroupAlive */
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
 * Kills a marked group, by its first process (if that still lives) and by its mark, and waits until it is gone.
 * @returns the number of processes found
 * @throws GroupAlive
 */
export async function endGroup(identity: GroupIdentity): Promise<number> {
  // A pid is not reused while a group of that number has members, so a living leader is the one we mean.
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

/**
 * Programs through which a command is started that splits in two before it is tied to its parent, as bwrap does: killed in that moment, its
 * first half leaves the other waiting forever (seen with 0.8.0). A process beside them in the group waits for the end of a pipe
 * from us, which the kernel closes when we die, however we die; then it kills the group. bwrap looks past children that it had before.
 *
 * @param fd of the pipe in the command, 3 to 9; we close our end when the command has ended
 */
export function watchedBy(fd: number): readonly string[] {
  const others = [3, 4, 5, 6, 7, 8, 9].filter((each) => each !== fd).map((each) => `${each}>&-`);
  const watch = `(while read -r word <&${fd}; do :; done; kill -KILL 0) >/dev/null 2>&1 ${others.join(' ')} &`;
  return ['sh', '-c', `${watch}\nexec "$@" ${fd}<&-`, 'sh'];
}
