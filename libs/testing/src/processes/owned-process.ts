import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { PeerFailed } from '../errors.js';
import { HANGS_MS } from '../until.js';

/** What to run, and how. */
export interface ProcessSpec {
  /** Shows in errors. */
  readonly name: string;
  readonly command: string;
  readonly args?: readonly string[];
  /** Replaces the environment, so that a test decides what a service sees. The default is this process's own. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const KEPT_LINES = 2000;
const running = new Set<OwnedProcess>();

/**
 * A real process that a test started, and can kill, pause and start again.
 *
 * It cannot outlive the test: the kernel kills it when the process that runs the test ends, however that ends.
 */
export class OwnedProcess implements AsyncDisposable {
  readonly #spec: ProcessSpec;
  readonly #lines: string[] = [];
  readonly #listeners = new Set<() => void>();
  #child: ChildProcess | undefined;
  #ended: Promise<Ended> = Promise.resolve({ code: null, signal: null });
  #alive = false;
  #group: number | undefined;

  private constructor(spec: ProcessSpec) {
    this.#spec = spec;
  }

  /** Starts the process. Whether it is ready is found out with `waitForLine` or `waitForHttp`. */
  static async start(spec: ProcessSpec): Promise<OwnedProcess> {
    const process = new OwnedProcess(spec);
    await process.#spawn();
    return process;
  }

  get name(): string {
    return this.#spec.name;
  }

  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new PeerFailed(this.name, 'has no process id', this.#lines);
    return pid;
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** The last lines of both outputs, over every start. */
  get output(): readonly string[] {
    return this.#lines;
  }

  /** Resolves when the process of the present start has ended. */
  get ended(): Promise<Ended> {
    return this.#ended;
  }

  /**
   * Waits until a line of either output matches, also one that is there already.
   *
   * @throws PeerFailed when the process ends or the time is over first
   */
  async waitForLine(pattern: RegExp, timeoutMs = HANGS_MS): Promise<string> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const line = this.#lines.find((candidate) => pattern.test(candidate));
      if (line !== undefined) return line;
      this.#mustGoOn(`did not say ${String(pattern)} within ${timeoutMs} ms`, deadline);
      await this.#change(Math.min(deadline - Date.now(), 500));
    }
  }

  /**
   * Waits until a GET of the address is answered with a status below 400.
   *
   * @throws PeerFailed when the process ends or the time is over first
   */
  async waitForHttp(url: string, timeoutMs = HANGS_MS): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (!(await answers(url))) {
      this.#mustGoOn(`did not answer ${url} within ${timeoutMs} ms`, deadline);
      await delay(50);
    }
  }

  /** Ends it as an operator would: SIGTERM, and SIGKILL for the whole group when that was not enough in time. */
  async stop(timeoutMs = 10_000): Promise<Ended> {
    if (this.#alive) {
      this.resume();
      this.#signal('SIGTERM');
      const late = new AbortController();
      const waited = delay(timeoutMs, 'late', { signal: late.signal }).catch(() => 'late');
      if ((await Promise.race([this.#ended, waited])) === 'late') await this.killGroup();
      late.abort();
    }
    return this.#ended;
  }

  /** kill -9 of this process alone: what it started lives on, as it would after a crash. */
  async kill(): Promise<Ended> {
    this.#signal('SIGKILL');
    return this.#ended;
  }

  /** kill -9 of the process and of everything in its process group. */
  async killGroup(): Promise<Ended> {
    if (this.#group !== undefined) {
      try {
        process.kill(-this.#group, 'SIGKILL');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
    }
    return this.#ended;
  }

  /**
   * SIGSTOP: the process lives, and does nothing. Resolves once each of its threads has stopped: on a busy machine a
   * thread may still answer for a while after the signal was sent.
   */
  async pause(): Promise<void> {
    this.#signal('SIGSTOP');
    while (this.#alive && !(await isStopped(this.pid))) await delay(1);
  }

  /** SIGCONT. */
  resume(): void {
    this.#signal('SIGCONT');
  }

  /** Starts it again, after `kill` where it still runs. `env` is laid over that of the first start. */
  async restart(env: Readonly<Record<string, string | undefined>> = {}): Promise<void> {
    await this.kill();
    this.#lines.length = 0;
    await this.#spawn(env);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.killGroup();
  }

  async #spawn(more: Readonly<Record<string, string | undefined>> = {}): Promise<void> {
    const { command, args = [], cwd, env = process.env } = this.#spec;
    // pdeathsig: nothing that runs in a test runner's worker can rely on exit handlers (Jest ends its workers by
    // signal). A group of its own: what it started can be ended with it.
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', command, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...env, ...more },
      detached: true,
      ...(cwd === undefined ? {} : { cwd }),
    });
    this.#child = child;
    this.#alive = true;
    this.#group = child.pid;
    running.add(this);
    this.#ended = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.#alive = false;
        running.delete(this);
        resolve({ code, signal });
        this.#changed();
      });
    });
    for (const stream of [child.stdout, child.stderr])
      createInterface({ input: stream }).on('line', (line) => {
        this.#lines.push(line);
        if (this.#lines.length > KEPT_LINES) this.#lines.shift();
        this.#changed();
      });
    await once(child, 'spawn');
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.#alive) this.#child?.kill(signal);
  }

  #mustGoOn(what: string, deadline: number): void {
    if (!this.#alive) throw new PeerFailed(this.name, 'ended before it was ready', this.#lines);
    if (Date.now() > deadline) throw new PeerFailed(this.name, what, this.#lines);
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }

  async #change(timeoutMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#listeners.delete(done);
        resolve();
      };
      const timer = setTimeout(done, Math.max(timeoutMs, 1));
      this.#listeners.add(done);
    });
  }
}

/** Ends every process that was started here and still runs, with its group. For `afterAll`. */
export async function stopAllProcesses(): Promise<void> {
  await Promise.all([...running].map((process) => process.killGroup()));
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2000) });
    await response.body?.cancel();
    return response.status < 400;
  } catch {
    return false;
  }
}

/** Whether the kernel says "stopped" of every thread of a process (proc(5): `T`, after the name in parentheses). */
async function isStopped(pid: number): Promise<boolean> {
  const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
  const states = threads.map((thread) =>
    readFile(`/proc/${pid}/task/${thread}/stat`, 'utf8').catch(() => ') gone'),
  );
  return (await Promise.all(states)).every((line) => /\) (T|gone)[^)]*$/.test(line));
}
