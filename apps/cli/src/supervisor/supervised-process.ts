import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';

export interface ProcessSpec {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly logFile: string;
  /** Answers whether it is ready to work. */
  readonly isReady: () => Promise<boolean>;
}

export type ProcessNews = 'starting' | 'ready' | 'died' | 'stopped';

const LONGEST_PAUSE_MS = 15_000;
/** A process that lived this long was healthy: the next restart comes at once again. */
const HEALTHY_AFTER_MS = 30_000;
const READY_POLL_MS = 200;

/** Keeps one process running: started again when it dies, more slowly each time it dies young. */
export class SupervisedProcess {
  #child: ChildProcess | undefined;
  #wanted = false;
  #deathsInARow = 0;
  #startedAt = 0;
  #restart: NodeJS.Timeout | undefined;

  constructor(
    readonly spec: ProcessSpec,
    private readonly tell: (name: string, news: ProcessNews, detail: string) => void,
  ) {}

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Resolves when the process is ready for the first time. */
  async start(): Promise<void> {
    this.#wanted = true;
    this.#spawn();
    await this.#untilReady();
  }

  /** SIGTERM, so that it can finish what it holds; SIGKILL after `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    this.#wanted = false;
    clearTimeout(this.#restart);
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill('SIGTERM');
    const killer = setTimeout(() => child.kill('SIGKILL'), graceMs);
    await exited;
    clearTimeout(killer);
    this.tell(this.spec.name, 'stopped', '');
  }

  #spawn(): void {
    const { name, command, args, env, logFile } = this.spec;
    this.tell(name, 'starting', '');
    this.#startedAt = Date.now();
    const log = createWriteStream(logFile, { flags: 'a', mode: 0o600 });
    const child = spawn(command, [...args], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    this.#child = child;
    let isOver = false;
    const over = (how: string): void => {
      if (isOver) return;
      isOver = true;
      log.end();
      this.#died(how);
    };
    child.once('error', (error) => over(error.message));
    child.once('exit', (code, signal) => over(signal === null ? `exit code ${code ?? '?'}` : signal));
  }

  #died(how: string): void {
    if (!this.#wanted) return;
    const livedLong = Date.now() - this.#startedAt > HEALTHY_AFTER_MS;
    this.#deathsInARow = livedLong ? 1 : this.#deathsInARow + 1;
    const pause = Math.min(LONGEST_PAUSE_MS, 250 * 2 ** (this.#deathsInARow - 1));
    this.tell(
      this.spec.name,
      'died',
      `${how}; started again in ${pause / 1000} s, its log is ${this.spec.logFile}`,
    );
    this.#restart = setTimeout(() => {
      this.#spawn();
      void this.#untilReady();
    }, pause);
  }

  async #untilReady(): Promise<void> {
    const child = this.#child;
    while (this.#wanted && this.#child === child) {
      if (await this.spec.isReady().catch(() => false)) {
        this.tell(this.spec.name, 'ready', `pid ${child?.pid ?? '?'}`);
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, READY_POLL_MS));
    }
    // It died before it was ready: whoever waits, waits for its successor.
    if (this.#wanted) await this.#untilReady();
  }
}
