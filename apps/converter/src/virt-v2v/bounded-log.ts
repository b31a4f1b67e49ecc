import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

/**
 * A log file that stays within its limit: of each attempt the first part is written as it comes, and of what goes
 * beyond it the newest part is kept and written at the end. Attempts follow one another in the file; when earlier ones
 * fill it, it begins anew.
 */
export class BoundedLog {
  readonly #file: FileHandle;
  readonly #limit: number;
  #written = 0;
  #dropped = 0;
  #tail: Buffer[] = [];
  #tailBytes = 0;
  #queue: Promise<void> = Promise.resolve();
  #failure: Error | undefined;

  /** @param limit bytes of one attempt; the file may reach three times as much */
  static async open(path: string, limit: number, title: string): Promise<BoundedLog> {
    const { O_APPEND, O_CREAT, O_WRONLY, O_NOFOLLOW } = constants;
    const file = await open(path, O_APPEND | O_CREAT | O_WRONLY | O_NOFOLLOW, 0o640);
    const { size } = await file.stat();
    if (size > 2 * limit) await file.truncate(0);
    await file.appendFile(`=== ${title}\n`);
    return new BoundedLog(file, limit);
  }

  private constructor(file: FileHandle, limit: number) {
    this.#file = file;
    this.#limit = limit;
  }

  write(chunk: Buffer): void {
    const room = Math.max(0, this.#limit / 2 - this.#written);
    const head = chunk.subarray(0, room);
    if (head.length > 0) {
      this.#written += head.length;
      this.#enqueue(head);
    }
    if (head.length < chunk.length) this.#keep(chunk.subarray(head.length));
  }

  /** Writes what was kept and makes the file durable. Throws what a write failed with. */
  async close(): Promise<void> {
    if (this.#dropped > 0) this.#enqueue(Buffer.from(`\n=== ${this.#dropped} bytes are left out here\n`));
    for (const chunk of this.#tail) this.#enqueue(chunk);
    this.#tail = [];
    await this.#queue;
    try {
      await this.#file.sync();
    } finally {
      await this.#file.close();
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  #enqueue(chunk: Buffer): void {
    this.#queue = this.#queue
      .then(() => this.#file.appendFile(chunk))
      .catch((error: unknown) => {
        this.#failure ??= error instanceof Error ? error : new Error(String(error), { cause: error });
      });
  }

  #keep(chunk: Buffer): void {
    this.#tail.push(chunk);
    this.#tailBytes += chunk.length;
    for (
      let first = this.#tail[0];
      first !== undefined && this.#tailBytes > this.#limit / 2;
      first = this.#tail[0]
    ) {
      this.#tail.shift();
      this.#tailBytes -= first.length;
      this.#dropped += first.length;
    }
  }
}
