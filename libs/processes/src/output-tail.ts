import { runTool } from './run-tool.js';

/** Keeps the last bytes of an output. */
export class OutputTail {
  #bytes = Buffer.alloc(0);

  /** @param most bytes to keep */
  constructor(private readonly most: number) {}

  push(chunk: Buffer): void {
    // The end of a chunk first: one that is larger than the whole tail is not joined to it.
    const end = chunk.subarray(Math.max(0, chunk.length - this.most));
    this.#bytes = Buffer.concat([
      this.#bytes.subarray(Math.max(0, this.#bytes.length + end.length - this.most)),
      end,
    ]);
  }

  get bytes(): Buffer {
    return this.#bytes;
  }

  get text(): string {
    return this.#bytes.toString('utf8');
  }
}

/** Disables core dumps of this process and those that it starts, because they would contain passwords in clear text. */
export async function withoutCoreDumps(): Promise<void> {
  await runTool('prlimit', ['--pid', String(process.pid), '--core=0:0'], { timeoutMs: 20_000 });
}
