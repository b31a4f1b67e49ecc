import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { FilesToVerify } from '../digests.js';
import { BadOva, problemOf } from '../errors.js';
import type { PackageContents } from '../inventory.js';
import type { Answers, PackageRequest } from './requests.js';

export interface ReadingBudget {
  /** How long the thread may compute for one package. Waiting for storage does not count. */
  readonly busyMs: number;
  readonly heapMiB: number;
  /** Size limit of the answer. */
  readonly outputBytes: number;
}

interface OverBudget {
  readonly over: BadOva;
}

/** An honest package of hundreds of VMs takes a second and a few MiB. */
const BUDGET: ReadingBudget = { busyMs: 20_000, heapMiB: 512, outputBytes: 32 * 1024 * 1024 };
const LOOK_EVERY_MS = 100;
const IDLE_MS = 10_000;
const TYPESCRIPT = ['--no-warnings', '--conditions=@ledgerlift/source', '--experimental-transform-types'];

/**
 * Reads packages in a separate thread, so that a hostile one cannot block the caller's event loop or exhaust its memory. Ends the
 * thread if a package exceeds the budget, and starts a new one for the next package. An idle thread also ends after a while.
 */
export class PackageReader {
  #thread: Worker | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #idle: NodeJS.Timeout | undefined;

  constructor(private readonly budget: ReadingBudget = BUDGET) {}

  /** @returns the package's content; one problem if it exceeds the budget */
  async read(path: string): Promise<PackageContents> {
    const answer = await this.#ask('contents', path);
    return 'over' in answer ? { vms: [], networks: [], problems: [problemOf(path, answer.over)] } : answer;
  }

  /** @returns the package's files with digests; one problem if it exceeds the budget */
  async digests(path: string): Promise<FilesToVerify> {
    const answer = await this.#ask('digests', path);
    return 'over' in answer ? { files: [], problems: [problemOf(path, answer.over)] } : answer;
  }

  #ask<W extends keyof Answers>(what: W, path: string): Promise<Answers[W] | OverBudget> {
    clearTimeout(this.#idle);
    const reading = this.#last.then(() => this.#answer(what, path));
    const settled = reading.then(
      () => undefined,
      () => undefined,
    );
    this.#last = settled;
    void settled.then(() => {
      if (this.#last !== settled) return;
      this.#thread?.unref();
      this.#idle = setTimeout(() => void this.#end(), IDLE_MS).unref();
    });
    return reading;
  }

  async #answer<W extends keyof Answers>(what: W, path: string): Promise<Answers[W] | OverBudget> {
    const thread = (this.#thread ??= startThread(this.budget.heapMiB));
    thread.ref();
    const answer = await this.#answerOf(thread, { what, path });
    if ('text' in answer && answer.text.length <= this.budget.outputBytes)
      return JSON.parse(answer.text) as Answers[W];
    await this.#end();
    const why = 'text' in answer ? `describes more than ${this.budget.outputBytes} bytes` : answer.over;
    const advice = 'export the VM again, or move the package away';
    return { over: new BadOva('overBudget', `${path} ${why}; ${advice}`) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#last;
    clearTimeout(this.#idle);
    await this.#end();
  }

  async #end(): Promise<void> {
    const thread = this.#thread;
    this.#thread = undefined;
    await thread?.terminate();
  }

  #answerOf(
    thread: Worker,
    request: PackageRequest,
  ): Promise<{ readonly text: string } | { readonly over: string }> {
    const before = thread.performance.eventLoopUtilization();
    return new Promise((resolve) => {
      const settle = (answer: { readonly text: string } | { readonly over: string }): void => {
        clearInterval(looking);
        // Keep the error handler, so that an error while the thread ends does not reach the process.
        thread.off('message', onMessage).off('exit', onExit);
        resolve(answer);
      };
      const looking = setInterval(() => {
        const { active } = thread.performance.eventLoopUtilization(before);
        if (active >= this.budget.busyMs)
          settle({ over: `takes more than ${this.budget.busyMs} ms of computing to read` });
      }, LOOK_EVERY_MS);
      const onMessage = (text: string): void => settle({ text });
      const onExit = (): void => settle({ over: 'ended the thread that read it' });
      thread.once('message', onMessage);
      thread.removeAllListeners('error').on('error', (error: Error & { readonly code?: string }) => {
        const isMemory = error.code === 'ERR_WORKER_OUT_OF_MEMORY';
        settle({
          over: isMemory
            ? `takes more than ${this.budget.heapMiB} MiB of memory to read`
            : `cannot be read: ${error.message}`,
        });
      });
      thread.once('exit', onExit);
      thread.postMessage(request);
    });
  }
}

/** The shared reader for all inventories of this process. */
export const sharedReader = new PackageReader();

/** Specs run TypeScript sources, which a thread can load only with the same hooks as a child process. */
function startThread(heapMiB: number): Worker {
  const isSource = import.meta.filename.endsWith('.ts');
  const hooks = join(import.meta.dirname, '..', '..', '..', '..', '..', 'scripts', 'typescript-hooks.mjs');
  const thread = new Worker(join(import.meta.dirname, `reader-thread.${isSource ? 'ts' : 'js'}`), {
    resourceLimits: { maxOldGenerationSizeMb: heapMiB, maxYoungGenerationSizeMb: 64 },
    env: {},
    execArgv: isSource ? [...TYPESCRIPT, '--import', hooks] : [],
  });
  return thread;
}
