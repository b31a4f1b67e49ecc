import { closeSync, openSync } from 'node:fs';
import { inWords, OwnedProcess } from '@ledgerlift/processes';

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
/** A process that ran this long was healthy, so the restart delay starts over. */
const HEALTHY_AFTER_MS = 30_000;
const READY_POLL_MS = 200;

/**
 * Keeps one process running: restarts it when it exits, after a delay that doubles with each early exit. When this
 * process dies, it gets SIGTERM. It has its own session, so that Ctrl-C reaches it only through `stop`, in order.
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

  /** Resolves when the process is ready for the first time, or was stopped. Does nothing after `stop`. */
  async start(): Promise<void> {
    if (this.#phase === 'stopped') return;
    this.#phase = 'wanted';
    this.#spawn();
    await this.#untilReady();
  }

  /** Sends SIGTERM, so that the process can finish its work, and SIGKILL after `graceMs`. */
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
    // The process writes the file itself, so that it can still log after we have died.
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
      `${how}; restarting in ${pause / 1000} s; see its log ${this.spec.logFile}`,
    );
    const wasReady = this.#isReady;
    this.#isReady = false;
    this.#restart = setTimeout(() => {
      this.#spawn();
      // Before the first time it is ready, `start` is still waiting.
      if (wasReady) void this.#untilReady();
    }, pause);
  }

  /** If the process exits before it is ready, waits for its successor. */
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

export type Tell = (name: string, news: ProcessNews, detail: string) => void;

const GRACE_MS = 20_000;
const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Runs processes in stages: each stage starts when the previous one is ready, and they stop in reverse order. From the
 * call on, SIGINT, SIGTERM or SIGHUP stops the started processes; further signals change nothing. Call it before the
 * first `await` that matters: until then a signal kills this process at once.
 *
 * @returns resolves after a signal, when every process has ended
 */
export async function runUntilSignal(
  prepare: () => Promise<readonly (readonly ProcessSpec[])[]>,
  tell: Tell,
  onUp: () => void,
): Promise<void> {
  const stopping = new AbortController();
  const onSignal = (name: NodeJS.Signals): void => {
    if (!stopping.signal.aborted) console.log(`${name}: stopping`);
    stopping.abort();
  };
  for (const name of STOP_SIGNALS) process.on(name, onSignal);
  const isStopping = (): boolean => stopping.signal.aborted;
  const stages = (await prepare()).map((stage) => stage.map((spec) => new SupervisedProcess(spec, tell)));
  const stopped = new Promise<void>((resolve, reject) => {
    const stop = (): void => void stopAll(stages).then(resolve, reject);
    if (isStopping()) stop();
    else stopping.signal.addEventListener('abort', stop, { once: true });
  });
  for (const stage of stages) if (!isStopping()) await Promise.all(stage.map((each) => each.start()));
  if (!isStopping()) onUp();
  await stopped;
}

/** Stops the last stage first, so that workers can still report and the planner still has the bus. */
async function stopAll(stages: readonly (readonly SupervisedProcess[])[]): Promise<void> {
  for (const stage of stages.toReversed()) await Promise.all(stage.map((each) => each.stop(GRACE_MS)));
}
