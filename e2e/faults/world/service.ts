import { appendFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { OwnedProcess, type ProcessSpec } from '@ledgerlift/testing';

export const SERVICES = ['planner', 'transfer', 'converter', 'vm-creator'] as const;
export type Service = (typeof SERVICES)[number];

const RESTART_MS = 300;

/** A service under a supervisor, as every installation has one: what ends by itself is started again. */
export class SupervisedService implements AsyncDisposable {
  /** How often it ended although nobody had killed it. */
  ends = 0;
  #isWanted = true;
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(
    readonly process: OwnedProcess,
    private readonly logFile: string,
  ) {}

  static async start(spec: ProcessSpec, logFile: string): Promise<SupervisedService> {
    const service = new SupervisedService(await OwnedProcess.start(spec), logFile);
    service.#watch();
    return service;
  }

  /** kill -9, and a new start after a while. */
  async killed(forMs: number): Promise<void> {
    await this.#inTurn(async () => {
      await this.#kill();
      await delay(forMs);
      await this.#start();
    });
  }

  /** Nothing but kill -9; then `begin`. For when all are killed at once. */
  kill = (): Promise<void> => this.#inTurn(() => this.#kill());
  begin = (): Promise<void> => this.#inTurn(() => this.#start());

  async stopped(forMs: number): Promise<void> {
    await this.process.pause();
    await delay(forMs);
    this.process.resume();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isWanted = false;
    await this.#turn;
    await this.process.stop();
    await this.keepOutput();
  }

  /** A restart forgets the lines of the process before. */
  keepOutput(): Promise<void> {
    const lines = [...this.process.output, `--- ${new Date().toISOString()}`];
    return appendFile(this.logFile, `${lines.join('\n')}\n`);
  }

  async #kill(): Promise<void> {
    this.#isWanted = false;
    await this.process.kill();
  }

  async #start(): Promise<void> {
    if (this.process.alive) return;
    await this.keepOutput();
    await this.process.restart();
    this.#isWanted = true;
    this.#watch();
  }

  #watch(): void {
    void this.process.ended.then(async () => {
      if (!this.#isWanted) return;
      this.ends += 1;
      await delay(RESTART_MS);
      if (this.#isWanted) await this.#inTurn(() => this.#start());
    });
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const mine = this.#turn.then(work);
    this.#turn = mine.catch(() => undefined);
    return mine;
  }
}
