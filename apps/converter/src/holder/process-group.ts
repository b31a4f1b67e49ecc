import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { v7 as uuid } from 'uuid';
import { LeftoverAlive } from '../errors.js';
import { MARK_VARIABLE, markedProcesses, startTicks } from './proc.js';

/**
 * The first process of the group. It waits for our word, so that nothing runs before it is written down who runs;
 * then one child runs the command, and another watches the pipe from us: the kernel closes that when we die, however
 * we die, and the whole group is killed. Nothing of the group outlives the service.
 *
 * 0: the pipe from us, 1 and 2: output, 3: what the command tells programs, 4: the command's exit status.
 */
const LEADER = `
exec 5<&0 </dev/null
read -r word <&5 || exit 0
(while read -r word <&5; do :; done; kill -KILL 0) >/dev/null 2>&1 3>&- 4>&- &
"$@" 4>&- 5<&- &
wait $!
echo $? >&4
exec 1>/dev/null 2>&1 3>&- 4>&-
wait
`;

/** Until when what was killed must be gone. */
const END_PATIENCE = 10_000;
const POLL = 50;

export interface GroupOptions {
  readonly argv: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly onStdout: (chunk: Buffer) => void;
  readonly onStderr: (chunk: Buffer) => void;
  /** What comes on file descriptor 3. */
  readonly onMessages?: (chunk: Buffer) => void;
}

/** What names the group to whoever comes after us. */
export interface GroupIdentity {
  readonly mark: string;
  readonly pid: number;
  readonly startTicks: number;
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
    const mark = uuid();
    const leader = spawn('/bin/sh', ['-c', LEADER, 'ledgerlift-group', ...options.argv], {
      cwd: options.cwd,
      env: { ...options.env, [MARK_VARIABLE]: mark },
      // Becomes the leader of a session and a process group.
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe', 'pipe', 'pipe'],
    });
    await once(leader, 'spawn');
    const pid = leader.pid ?? 0;
    return new ProcessGroup(leader, { mark, pid, startTicks: (await startTicks(pid)) ?? 0 }, options);
  }

  private constructor(leader: ChildProcess, identity: GroupIdentity, options: GroupOptions) {
    this.identity = identity;
    this.#leader = leader;
    const [lifeline, stdout, stderr, messages, status] = leader.stdio;
    this.#lifeline = lifeline as Writable;
    // The leader may be gone when we speak or hang up; its end is seen elsewhere.
    this.#lifeline.on('error', () => undefined);
    (stdout as Readable).on('data', options.onStdout);
    (stderr as Readable).on('data', options.onStderr);
    (messages as Readable).on('data', options.onMessages ?? (() => undefined));
    this.#closed = once(leader, 'close');
    this.#status = readStatus(status as Readable);
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
      if ((await markedProcesses(this.identity.mark)).length <= 2) return true;
      if (performance.now() > deadline) return false;
      await delay(POLL);
    }
  }

  /** Kills what is left, and returns when all of it is gone and all output was read. @throws LeftoverAlive */
  async end(): Promise<void> {
    await endGroup(this.identity);
    this.#lifeline.destroy();
    const closed = this.#closed.then(() => true);
    if (await Promise.race([closed, delay(END_PATIENCE, false, { ref: false })])) return;
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
 * Kills a group, by its first process where that still lives and by its mark, and sees it gone.
 * @returns how many processes were found
 * @throws LeftoverAlive
 */
export async function endGroup({ mark, pid, startTicks: started }: GroupIdentity): Promise<number> {
  const deadline = performance.now() + END_PATIENCE;
  let found = 0;
  let seenGone = 0;
  for (;;) {
    // A pid is not given anew while a group of that number has members, so a living leader is the one we mean.
    if (pid > 1 && (await startTicks(pid)) === started) kill(-pid);
    const left = await markedProcesses(mark);
    // Looked twice: one that is just becoming another program shows no mark for a moment.
    seenGone = left.length === 0 ? seenGone + 1 : 0;
    if (seenGone === 2) return found;
    found = Math.max(found, left.length);
    for (const one of left) kill(one);
    if (performance.now() > deadline) throw new LeftoverAlive(left);
    await delay(POLL / 5);
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone meanwhile.
  }
}
