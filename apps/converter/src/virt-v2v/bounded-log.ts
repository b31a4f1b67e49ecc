import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

/**
 * A log file with a size limit: writes the first half of an attempt's output at once, then keeps the newest half in
 * memory and writes it at the end. Attempts are appended; when earlier ones fill the file, it is truncated first.
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

  /** Writes the kept part and syncs the file. @throws the first write error */
  async close(): Promise<void> {
    if (this.#dropped > 0) this.#enqueue(Buffer.from(`\n=== ${this.#dropped} bytes omitted here\n`));
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
