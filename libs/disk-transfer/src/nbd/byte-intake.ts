/** Small things are read through a buffer of this size; what is larger goes from the kernel to where it belongs. */
const SCRATCH = 8192;
const NOTHING = Buffer.alloc(0);

interface Wanted {
  readonly into: Buffer;
  filled: number;
  readonly done: () => void;
}

/**
 * Bytes as they come from a socket, put where they are wanted. Data that a request reads is received straight into
 * the request's own buffer: a copy, and the garbage of one buffer for each packet, would cost more than the reading.
 */
export class ByteIntake {
  readonly #scratch = Buffer.allocUnsafeSlow(SCRATCH);
  #rest: Buffer = NOTHING;
  #wanted: Wanted | undefined;
  #direct = false;
  #delivering = false;

  /** Where the socket is to put what comes next. */
  nextBuffer(): Buffer {
    const wanted = this.#wanted;
    this.#direct =
      wanted !== undefined && this.#rest.length === 0 && wanted.into.length - wanted.filled >= SCRATCH;
    return this.#direct && wanted !== undefined ? wanted.into.subarray(wanted.filled) : this.#scratch;
  }

  /** `count` bytes have come, into the buffer that `nextBuffer` gave. */
  received(count: number): void {
    if (this.#direct && this.#wanted !== undefined) {
      this.#wanted.filled += count;
      this.#deliver();
      return;
    }
    const fresh = this.#scratch.subarray(0, count);
    this.#rest = this.#rest.length === 0 ? fresh : Buffer.concat([this.#rest, fresh]);
    this.#deliver();
    // What nobody wants yet must not be overwritten by what comes next.
    this.#rest = this.#rest.length === 0 ? NOTHING : Buffer.from(this.#rest);
  }

  /** Calls `done` when `into` is full; one thing is wanted at a time, and `done` says what is wanted next. */
  fill(into: Buffer, done: () => void): void {
    this.#wanted = { into, filled: 0, done };
    if (!this.#delivering) this.#deliver();
  }

  /** Nothing is wanted any more. */
  stop(): void {
    this.#wanted = undefined;
    this.#rest = NOTHING;
  }

  #deliver(): void {
    this.#delivering = true;
    try {
      for (let wanted = this.#wanted; wanted !== undefined; wanted = this.#wanted) {
        const copied = this.#rest.copy(wanted.into, wanted.filled);
        wanted.filled += copied;
        this.#rest = this.#rest.subarray(copied);
        if (wanted.filled < wanted.into.length) return;
        this.#wanted = undefined;
        wanted.done();
      }
    } finally {
      this.#delivering = false;
    }
  }
}
