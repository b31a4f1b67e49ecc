/**
 * Bytes as they come from the socket, handed out in exact lengths. What goes into a request's own buffer is copied
 * there straight from the socket's, once.
 */
export class ByteQueue {
  #chunks: Buffer[] = [];
  #length = 0;
  #wanted:
    | { readonly length: number; readonly resolve: () => void; readonly reject: (error: Error) => void }
    | undefined;
  #ended: Error | undefined;

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    if (this.#wanted !== undefined && this.#length >= this.#wanted.length) {
      const { resolve } = this.#wanted;
      this.#wanted = undefined;
      resolve();
    }
  }

  end(error: Error): void {
    this.#ended ??= error;
    this.#wanted?.reject(error);
    this.#wanted = undefined;
  }

  async read(length: number): Promise<Buffer> {
    await this.#has(length);
    const target = Buffer.allocUnsafe(length);
    this.#take(target);
    return target;
  }

  /** Fills `target`, taking what is there before all of it has come. */
  async fill(target: Buffer): Promise<void> {
    let filled = 0;
    while (filled < target.length) {
      await this.#has(1);
      const part = target.subarray(filled, filled + Math.min(this.#length, target.length - filled));
      this.#take(part);
      filled += part.length;
    }
  }

  async #has(length: number): Promise<void> {
    if (this.#length >= length) return;
    if (this.#ended !== undefined) throw this.#ended;
    await new Promise<void>((resolve, reject) => {
      this.#wanted = { length, resolve, reject };
    });
  }

  #take(target: Buffer): void {
    let filled = 0;
    while (filled < target.length) {
      const [first] = this.#chunks;
      if (first === undefined) throw new Error('more was taken than had come');
      const count = Math.min(first.length, target.length - filled);
      first.copy(target, filled, 0, count);
      filled += count;
      if (count === first.length) this.#chunks.shift();
      else this.#chunks[0] = first.subarray(count);
    }
    this.#length -= target.length;
  }
}
