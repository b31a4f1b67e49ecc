import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * The first process of the group. One child runs the command; another watches the pipe from us: the kernel closes that
 * when we die, however we die, and the whole group is killed.
 *
 * 0: the pipe from us, 1 and 2: output, 3: what the command reads, 4: the command's exit status.
 */
const LEADER = `
exec 5<&0 </dev/null
(read -r word <&5; kill -KILL 0) >/dev/null 2>&1 3<&- 4>&- &
"$@" <&3 3<&- 4>&- 5<&- &
wait $!
echo $? >&4
exec 1>/dev/null 2>&1 3<&- 4>&-
wait
`;

export interface GroupOptions {
  readonly argv: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** What the command reads on its standard input. */
  readonly input: string;
  /** Of both outputs, as it comes. */
  readonly onOutput: (chunk: Buffer) => void;
  /** Kills the group. */
  readonly signal: AbortSignal;
}

/** Something that left the group may hold our pipes; it is not waited for longer. */
const PIPES_MS = 500;

/**
 * Runs a command in a session and process group of its own, and kills what is left of the group when the command has
 * ended, when the signal aborts, or when this process ends.
 *
 * @returns the exit status, 128 + n when signal n ended it; 137 when the group was killed
 */
export async function runInGroup(options: GroupOptions): Promise<number> {
  const { argv, env, cwd, input, onOutput, signal } = options;
  const leader = spawn('/bin/sh', ['-c', LEADER, 'ledgerlift-hook', ...argv], {
    cwd,
    env: { ...env },
    // Becomes the leader of a session and a process group.
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe', 'pipe', 'pipe'],
  });
  await once(leader, 'spawn');
  const closed = once(leader, 'close');
  const [, stdout, stderr, stdin, status] = leader.stdio as [
    Writable,
    Readable,
    Readable,
    Writable,
    Readable,
  ];
  // A command need not read what it is given, and the group may be gone when we hang up.
  for (const stream of [leader.stdin, stdin]) stream.on('error', () => undefined);
  stdout.on('data', onOutput);
  stderr.on('data', onOutput);
  stdin.end(input);
  // Once the leader is gone the group was killed, and its number may be somebody else's.
  const kill = (): void => {
    if (leader.exitCode === null && leader.signalCode === null) killGroup(leader.pid);
  };
  if (signal.aborted) kill();
  signal.addEventListener('abort', kill, { once: true });
  try {
    return await exitStatus(status);
  } finally {
    signal.removeEventListener('abort', kill);
    kill();
    await Promise.race([closed, delay(PIPES_MS, undefined, { ref: false })]);
    for (const stream of leader.stdio) stream?.destroy();
  }
}

/** Written by the leader when the command has ended; nothing when the group was killed before. */
async function exitStatus(stream: Readable): Promise<number> {
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  return text === '' ? 137 : Number(text);
}

function killGroup(pid: number | undefined): void {
  // Never 0 or 1: those would mean our own group, or everybody.
  if (pid === undefined || pid <= 1) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Gone already.
  }
}
