import {
  Chunk,
  CHUNK_DONE,
  LARGEST_PAYLOAD,
  SIMPLE_REPLY_MAGIC,
  STRUCTURED_REPLY_MAGIC,
} from './handshake.js';

/** Size of the buffer for small items. Larger ones go from the kernel straight to their destination. */
const SCRATCH = 8192;
const NOTHING = Buffer.alloc(0);

interface Wanted {
  readonly into: Buffer;
  filled: number;
  readonly done: () => void;
}

/**
 * Routes bytes from a socket to their destination. Read data goes straight into the request's own buffer: a copy, and a garbage
 * buffer for each packet, would cost more than the read itself.
 */
export class ByteIntake {
  readonly #scratch = Buffer.allocUnsafeSlow(SCRATCH);
  #rest: Buffer = NOTHING;
  #wanted: Wanted | undefined;
  #direct = false;
  #delivering = false;

  /** Returns the buffer for the socket's next bytes. */
  nextBuffer(): Buffer {
    const wanted = this.#wanted;
    this.#direct =
      wanted !== undefined && this.#rest.length === 0 && wanted.into.length - wanted.filled >= SCRATCH;
    return this.#direct && wanted !== undefined ? wanted.into.subarray(wanted.filled) : this.#scratch;
  }

  /** Call after `count` bytes arrived in the buffer from `nextBuffer`. */
  received(count: number): void {
    if (this.#direct && this.#wanted !== undefined) {
      this.#wanted.filled += count;
      this.#deliver();
      return;
    }
    const fresh = this.#scratch.subarray(0, count);
    this.#rest = this.#rest.length === 0 ? fresh : Buffer.concat([this.#rest, fresh]);
    this.#deliver();
    // Copy unclaimed bytes, or the next ones would overwrite them.
    this.#rest = this.#rest.length === 0 ? NOTHING : Buffer.from(this.#rest);
  }

  /** Calls `done` when `into` is full. Only one call may be pending; `done` makes the next one. */
  fill(into: Buffer, done: () => void): void {
    this.#wanted = { into, filled: 0, done };
    if (!this.#delivering) this.#deliver();
  }

  /** Drops the pending call and all buffered bytes. */
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

/** Handles replies as they arrive. An error that it throws ends the connection. */
export interface ReplyHandler {
  /** @returns the destination for read data */
  place(handle: bigint, offset: number, length: number): Buffer;
  hole(handle: bigint, offset: number, length: number): void;
  status(handle: bigint, content: Buffer): void;
  error(handle: bigint, errno: number): void;
  done(handle: bigint, kind: 'simple' | 'structured'): void;
  /** Makes the error for an invalid reply. */
  malformed(reason: string): Error;
}

const SIMPLE_HEAD = 16;
const STRUCTURED_HEAD = 20;
/** Far above the length of any status or error text from our own servers. */
const LARGEST_CONTENT = 16 * 1024 * 1024;

/** Parses replies from the intake until the connection ends. */
export class ReplyReader {
  readonly #head = Buffer.alloc(STRUCTURED_HEAD);

  constructor(
    private readonly intake: ByteIntake,
    private readonly handler: ReplyHandler,
  ) {}

  /** Starts parsing; the intake's incoming bytes drive the rest. */
  start(): void {
    this.#readHead();
  }

  #readHead(): void {
    this.intake.fill(this.#head.subarray(0, SIMPLE_HEAD), () => {
      const magic = this.#head.readUInt32BE(0);
      if (magic === SIMPLE_REPLY_MAGIC) this.#takeSimple();
      else if (magic === STRUCTURED_REPLY_MAGIC) {
        this.intake.fill(this.#head.subarray(SIMPLE_HEAD), () => this.#readContent());
      } else throw this.handler.malformed(`a reply begins with 0x${magic.toString(16)}`);
    });
  }

  #takeSimple(): void {
    const errno = this.#head.readUInt32BE(4);
    const handle = this.#head.readBigUInt64BE(8);
    if (errno !== 0) this.handler.error(handle, errno);
    this.handler.done(handle, 'simple');
    this.#readHead();
  }

  #readContent(): void {
    const isLast = (this.#head.readUInt16BE(4) & CHUNK_DONE) !== 0;
    const type = this.#head.readUInt16BE(6);
    const handle = this.#head.readBigUInt64BE(8);
    const length = this.#head.readUInt32BE(16);
    const finish = (): void => {
      if (isLast) this.handler.done(handle, 'structured');
      this.#readHead();
    };
    if (type === Chunk.offsetData) this.#readData(handle, length, finish);
    else if (length > LARGEST_CONTENT) throw this.handler.malformed(`a chunk of ${length} bytes`);
    else if (length === 0) {
      this.#takeContent(type, handle, Buffer.alloc(0));
      finish();
    } else {
      const content = Buffer.allocUnsafe(length);
      this.intake.fill(content, () => {
        this.#takeContent(type, handle, content);
        finish();
      });
    }
  }

  #readData(handle: bigint, length: number, finish: () => void): void {
    if (length <= 8 || length > LARGEST_PAYLOAD + 8) {
      throw this.handler.malformed(`a data chunk of ${length} bytes`);
    }
    const at = Buffer.allocUnsafe(8);
    this.intake.fill(at, () => {
      const place = this.handler.place(handle, Number(at.readBigUInt64BE(0)), length - 8);
      this.intake.fill(place, finish);
    });
  }

  #takeContent(type: number, handle: bigint, content: Buffer): void {
    if ((type & Chunk.errorBit) !== 0) {
      if (content.length < 6) throw this.handler.malformed('an error chunk without an error');
      this.handler.error(handle, content.readUInt32BE(0));
    } else if (type === Chunk.offsetHole) {
      if (content.length !== 12) throw this.handler.malformed('a hole chunk of a wrong length');
      this.handler.hole(handle, Number(content.readBigUInt64BE(0)), content.readUInt32BE(8));
    } else if (type === Chunk.blockStatus) this.handler.status(handle, content);
    else if (type !== Chunk.none || content.length > 0) {
      throw this.handler.malformed(`a chunk of unknown type ${type}, ${content.length} bytes long`);
    }
  }
}
