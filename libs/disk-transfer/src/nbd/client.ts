import { type Socket, connect } from 'node:net';
import { NbdConnectionLost, NbdProtocolError, NbdRequestFailed } from './errors.js';
import { type ExportInfo, handshake } from './handshake.js';
import {
  AllocationFlag,
  CHUNK_DONE,
  Chunk,
  Command,
  LARGEST_PAYLOAD,
  REQUEST_MAGIC,
  SIMPLE_REPLY_MAGIC,
  STRUCTURED_REPLY_MAGIC,
  TransmissionFlag,
} from './protocol.js';
import { ByteQueue } from './reply-reader.js';

/** Where an NBD export is: a unix socket, or a host and port. */
export type NbdEndpoint =
  | { readonly socket: string; readonly exportName?: string }
  | { readonly host: string; readonly port: number; readonly exportName?: string };

/** A part of a disk. `zero`: it reads as zeros, and need not be read. */
export interface Extent {
  readonly offset: number;
  readonly length: number;
  readonly zero: boolean;
}

interface Pending {
  readonly name: string;
  readonly command: number;
  readonly offset: number;
  readonly length: number;
  /** Where data goes that is read. */
  readonly into: Buffer | undefined;
  readonly extents: Extent[];
  received: number;
  failed: Error | undefined;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

const endpointName = (endpoint: NbdEndpoint): string =>
  'socket' in endpoint ? endpoint.socket : `${endpoint.host}:${endpoint.port}`;

/** One connection to an NBD export, with as many requests in flight as the caller makes. */
export class NbdClient {
  readonly #pending = new Map<bigint, Pending>();
  #handle = 0n;
  #broken: Error | undefined;

  private constructor(
    private readonly socket: Socket,
    private readonly queue: ByteQueue,
    readonly name: string,
    private readonly info: ExportInfo,
  ) {
    void this.#receive();
  }

  /** @throws NbdConnectionLost, NbdProtocolError, NbdOptionRefused */
  static async connect(endpoint: NbdEndpoint): Promise<NbdClient> {
    const name = endpointName(endpoint);
    const socket = 'socket' in endpoint ? connect(endpoint.socket) : connect(endpoint.port, endpoint.host);
    const queue = new ByteQueue();
    socket.on('data', (chunk) => queue.push(chunk));
    socket.on('error', (error) => queue.end(new NbdConnectionLost(name, error.message)));
    socket.on('close', () => queue.end(new NbdConnectionLost(name, 'the connection was closed')));
    try {
      const wire = {
        write: (bytes: Buffer) => void socket.write(bytes),
        read: (length: number) => queue.read(length),
      };
      return new NbdClient(
        socket,
        queue,
        name,
        await handshake(wire, name, endpoint.exportName ?? '', LARGEST_PAYLOAD),
      );
    } catch (error) {
      socket.destroy();
      throw error;
    }
  }

  get size(): number {
    return this.info.size;
  }

  get largestPayload(): number {
    return this.info.largestPayload;
  }

  get canWriteZeroes(): boolean {
    return (this.info.flags & TransmissionFlag.sendWriteZeroes) !== 0;
  }

  get canFlush(): boolean {
    return (this.info.flags & TransmissionFlag.sendFlush) !== 0;
  }

  /** Reads `into.length` bytes at `offset`, at most `largestPayload`. */
  async read(offset: number, into: Buffer): Promise<void> {
    await this.#request('READ', Command.read, offset, into.length, { into });
  }

  async write(offset: number, data: Buffer): Promise<void> {
    await this.#request('WRITE', Command.write, offset, data.length, { payload: data });
  }

  /** The range reads as zeros afterwards, whatever was there; the server may make a hole of it. */
  async writeZeroes(offset: number, length: number): Promise<void> {
    await this.#request('WRITE_ZEROES', Command.writeZeroes, offset, length, {});
  }

  /** Everything whose write was confirmed before is durable. */
  async flush(): Promise<void> {
    if (this.canFlush) await this.#request('FLUSH', Command.flush, 0, 0, {});
  }

  /** Extents of at least the beginning of the range; without an allocation context all of it counts as data. */
  async blockStatus(offset: number, length: number): Promise<readonly Extent[]> {
    if (this.info.allocationContext === undefined) return [{ offset, length, zero: false }];
    return (await this.#request('BLOCK_STATUS', Command.blockStatus, offset, length, {})).extents;
  }

  /** Ends the connection; what is outstanding fails. */
  close(): void {
    if (this.#broken === undefined) this.socket.write(requestHeader(Command.disconnect, 0n, 0, 0));
    this.#break(new NbdConnectionLost(this.name, 'it was closed by us'));
  }

  #request(
    name: string,
    command: number,
    offset: number,
    length: number,
    { into, payload }: { readonly into?: Buffer; readonly payload?: Buffer },
  ): Promise<Pending> {
    return new Promise((resolve, reject) => {
      if (this.#broken !== undefined) throw this.#broken;
      this.#handle += 1n;
      const handle = this.#handle;
      const pending: Pending = {
        name,
        command,
        offset,
        length,
        into,
        extents: [],
        received: 0,
        failed: undefined,
        resolve: () => resolve(pending),
        reject,
      };
      this.#pending.set(handle, pending);
      this.socket.cork();
      this.socket.write(requestHeader(command, handle, offset, length));
      if (payload !== undefined) this.socket.write(payload);
      this.socket.uncork();
    });
  }

  async #receive(): Promise<void> {
    try {
      for (;;) await this.#receiveOne();
    } catch (error) {
      this.#break(error instanceof Error ? error : new Error(String(error)));
    }
  }

  async #receiveOne(): Promise<void> {
    const magic = (await this.queue.read(4)).readUInt32BE(0);
    if (magic === SIMPLE_REPLY_MAGIC) {
      const head = await this.queue.read(12);
      const pending = this.#find(head.readBigUInt64BE(4));
      if (pending.command === Command.read) throw this.#protocol('a read was answered by a simple reply');
      this.#finish(head.readBigUInt64BE(4), pending, head.readUInt32BE(0));
      return;
    }
    if (magic !== STRUCTURED_REPLY_MAGIC) throw this.#protocol(`a reply begins with 0x${magic.toString(16)}`);
    const head = await this.queue.read(16);
    const handle = head.readBigUInt64BE(4);
    const pending = this.#find(handle);
    await this.#receiveChunk(pending, head.readUInt16BE(2), head.readUInt32BE(12));
    if ((head.readUInt16BE(0) & CHUNK_DONE) !== 0) this.#finish(handle, pending, 0);
  }

  async #receiveChunk(pending: Pending, type: number, length: number): Promise<void> {
    if (length > LARGEST_PAYLOAD + 8) throw this.#protocol(`a chunk of ${length} bytes`);
    if ((type & Chunk.errorBit) !== 0) {
      const content = await this.queue.read(length);
      const errno = content.length >= 4 ? content.readUInt32BE(0) : 0;
      pending.failed ??= new NbdRequestFailed(this.name, pending.name, pending.offset, errno);
      return;
    }
    switch (type) {
      case Chunk.none:
        await this.queue.read(length);
        return;
      case Chunk.offsetData: {
        if (length < 8) throw this.#protocol('a data chunk without an offset');
        const at = Number((await this.queue.read(8)).readBigUInt64BE(0));
        await this.queue.fill(this.#partOf(pending, at, length - 8));
        return;
      }
      case Chunk.offsetHole: {
        if (length !== 12) throw this.#protocol('a hole chunk of a wrong length');
        const content = await this.queue.read(12);
        this.#partOf(pending, Number(content.readBigUInt64BE(0)), content.readUInt32BE(8)).fill(0);
        return;
      }
      case Chunk.blockStatus:
        this.#takeExtents(pending, await this.queue.read(length));
        return;
      default:
        throw this.#protocol(`a chunk of unknown type ${type}`);
    }
  }

  /** The part of the request's buffer that a chunk fills; a server must stay within what was asked. */
  #partOf(pending: Pending, offset: number, length: number): Buffer {
    const start = offset - pending.offset;
    if (pending.into === undefined || start < 0 || start + length > pending.into.length) {
      throw this.#protocol(`data of ${length} bytes at ${offset}, which nobody asked for`);
    }
    pending.received += length;
    return pending.into.subarray(start, start + length);
  }

  #takeExtents(pending: Pending, content: Buffer): void {
    if (content.length < 12 || (content.length - 4) % 8 !== 0)
      throw this.#protocol('a malformed block status');
    if (content.readUInt32BE(0) !== this.info.allocationContext) return;
    let offset = pending.offset;
    for (let at = 4; at < content.length; at += 8) {
      const length = content.readUInt32BE(at);
      const end = Math.min(offset + length, pending.offset + pending.length, this.info.size);
      // The last extent may reach beyond the range, but none may be empty.
      if (length === 0) throw this.#protocol('an extent of no length');
      if (end <= offset) break;
      pending.extents.push({
        offset,
        length: end - offset,
        zero: (content.readUInt32BE(at + 4) & AllocationFlag.zero) !== 0,
      });
      offset = end;
    }
  }

  #find(handle: bigint): Pending {
    const pending = this.#pending.get(handle);
    if (pending === undefined) throw this.#protocol(`a reply to request ${handle}, which was not made`);
    return pending;
  }

  #finish(handle: bigint, pending: Pending, errno: number): void {
    this.#pending.delete(handle);
    const failed =
      errno === 0 ? pending.failed : new NbdRequestFailed(this.name, pending.name, pending.offset, errno);
    if (failed !== undefined) pending.reject(failed);
    else if (pending.into !== undefined && pending.received !== pending.into.length) {
      throw this.#protocol(`a read of ${pending.into.length} bytes was answered by ${pending.received}`);
    } else if (pending.command === Command.blockStatus && pending.extents.length === 0) {
      throw this.#protocol('a block status without extents');
    } else pending.resolve();
  }

  #protocol(reason: string): NbdProtocolError {
    return new NbdProtocolError(this.name, reason);
  }

  #break(error: Error): void {
    this.#broken ??= error;
    this.socket.destroySoon();
    for (const pending of this.#pending.values()) pending.reject(this.#broken);
    this.#pending.clear();
  }
}

function requestHeader(command: number, handle: bigint, offset: number, length: number): Buffer {
  const head = Buffer.allocUnsafe(28);
  head.writeUInt32BE(REQUEST_MAGIC, 0);
  head.writeUInt16BE(0, 4);
  head.writeUInt16BE(command, 6);
  head.writeBigUInt64BE(handle, 8);
  head.writeBigUInt64BE(BigInt(offset), 16);
  head.writeUInt32BE(length, 24);
  return head;
}
