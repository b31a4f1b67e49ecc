import { closeSync, openSync } from 'node:fs';
import { OwnedProcess, inWords } from '@ledgerlift/processes';

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

/**
 * Keeps one process running: started again when it dies, more slowly each time it dies young. It ends with this process,
 * by SIGTERM. It has a session of its own: what is typed at the terminal reaches it through `stop` only, in order.
 */
export class SupervisedProcess {
  #running: OwnedProcess | undefined;
  #phase: 'new' | 'wanted' | 'stopped' = 'new';
  #isReady = false;
  #deathsInARow = 0;
  #startedAt = 0;
  #restart: NodeJS.Timeout | undefined;

  constructor(
    readonly spec: ProcessSpec,
    private readonly tell: (name: string, news: ProcessNews, detail: string) => void,
  ) {}

  /** Resolves when the process is ready for the first time, or was stopped. After `stop` it starts nothing. */
  async start(): Promise<void> {
    if (this.#phase === 'stopped') return;
    this.#phase = 'wanted';
    this.#spawn();
    await this.#untilReady();
  }

  /** SIGTERM, so that it can finish what it holds; SIGKILL after `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    this.#phase = 'stopped';
    clearTimeout(this.#restart);
    const running = this.#running;
    if (running === undefined) return;
    await running.stop(graceMs);
    this.tell(this.spec.name, 'stopped', '');
  }

  #spawn(): void {
    const { name, command, args, env, logFile } = this.spec;
    this.tell(name, 'starting', '');
    this.#startedAt = Date.now();
    // The process writes the file itself: it can still say why it ends when we are gone.
    const log = openSync(logFile, 'a', 0o600);
    const running = OwnedProcess.start([command, ...args], {
      env: { ...process.env, ...env },
      output: log,
      deathSignal: 'TERM',
      session: 'own',
    });
    closeSync(log);
    this.#running = running;
    void running.ended.then((end) => {
      if (this.#running !== running) return;
      this.#running = undefined;
      this.#died(inWords(end));
    });
  }

  #died(how: string): void {
    if (this.#phase !== 'wanted') return;
    const livedLong = Date.now() - this.#startedAt > HEALTHY_AFTER_MS;
    this.#deathsInARow = livedLong ? 1 : this.#deathsInARow + 1;
    const pause = Math.min(LONGEST_PAUSE_MS, 250 * 2 ** (this.#deathsInARow - 1));
    this.tell(
      this.spec.name,
      'died',
      `${how}; started again in ${pause / 1000} s, its log is ${this.spec.logFile}`,
    );
    const wasReady = this.#isReady;
    this.#isReady = false;
    this.#restart = setTimeout(() => {
      this.#spawn();
      // Before it was ready for the first time, `start` still waits.
      if (wasReady) void this.#untilReady();
    }, pause);
  }

  /** Where it dies before it is ready, its successor is waited for. */
  async #untilReady(): Promise<void> {
    while (this.#phase === 'wanted') {
      const running = this.#running;
      const isReady = running !== undefined && (await this.spec.isReady().catch(() => false));
      if (isReady && running === this.#running && this.#phase === 'wanted') {
        this.#isReady = true;
        this.tell(this.spec.name, 'ready', `pid ${running.pid ?? '?'}`);
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, READY_POLL_MS));
    }
  }
}
