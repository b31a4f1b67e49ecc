/** What stands in the log of a hook: no terminal sequences, and no more than fits. */

/** Control characters but line ends and tabs, and what makes text read otherwise than it is written. */
const UNPRINTABLE = /\u001b\[[0-9;?]*[ -/]*[@-~]|[^\P{Cc}\n\t]|[\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

export const printable = (bytes: Buffer): string =>
  bytes.toString('utf8').toWellFormed().replaceAll(UNPRINTABLE, '');

/** Keeps the last bytes of an output. */
export class Tail {
  #bytes = Buffer.alloc(0);

  constructor(private readonly most: number) {}

  push(chunk: Buffer): void {
    // The end of a chunk first: one that is larger than the whole tail is not joined to it.
    const end = chunk.subarray(Math.max(0, chunk.length - this.most));
    this.#bytes = Buffer.concat([
      this.#bytes.subarray(Math.max(0, this.#bytes.length + end.length - this.most)),
      end,
    ]);
  }

  get text(): string {
    return printable(this.#bytes);
  }
}
