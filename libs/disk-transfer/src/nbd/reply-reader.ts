import type { ByteIntake } from './byte-intake.js';
import {
  CHUNK_DONE,
  Chunk,
  LARGEST_PAYLOAD,
  SIMPLE_REPLY_MAGIC,
  STRUCTURED_REPLY_MAGIC,
} from './protocol.js';

/** Takes replies as they are read. What it throws ends the connection. */
export interface ReplyHandler {
  /** @returns where data of a read goes */
  place(handle: bigint, offset: number, length: number): Buffer;
  hole(handle: bigint, offset: number, length: number): void;
  status(handle: bigint, content: Buffer): void;
  error(handle: bigint, errno: number): void;
  done(handle: bigint, kind: 'simple' | 'structured'): void;
  /** What came is no valid reply. */
  malformed(reason: string): Error;
}

const SIMPLE_HEAD = 16;
const STRUCTURED_HEAD = 20;
/** Status of a few contexts, or an error with its text; nothing that a server of ours says is nearly as long. */
const LARGEST_CONTENT = 16 * 1024 * 1024;

/** Reads replies, one after another, for as long as bytes come. */
export class ReplyReader {
  readonly #head = Buffer.alloc(STRUCTURED_HEAD);

  constructor(
    private readonly intake: ByteIntake,
    private readonly handler: ReplyHandler,
  ) {}

  /** Begins; everything else happens while the intake receives. */
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
