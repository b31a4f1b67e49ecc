import { type Socket, connect } from 'node:net';
import { once } from 'node:events';
import type { LabExtent } from './extents.js';
import { handshake } from './nbd-handshake.js';

// The lab has a client of its own: it is the judge of the product's client, so it must not be the same one.
const LARGEST_STATUS = 1 << 30;

interface Pending {
  resolve(): void;
  reject(error: Error): void;
  data(offset: number, bytes: Buffer): void;
  status(bytes: Buffer): void;
  error?: Error;
}

/** One connection to an export of a daemon of ours, on a unix socket. */
export class LabNbd {
  readonly #socket: Socket;
  readonly #pending = new Map<bigint, Pending>();
  #buffered = Buffer.alloc(0);
  #waiting: { length: number; resolve(bytes: Buffer): void } | undefined;
  #ended: Error | undefined;
  #onEnd: (error: Error) => void = () => undefined;
  #handle = 0n;
  size = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (bytes) => {
      this.#buffered = this.#buffered.length === 0 ? bytes : Buffer.concat([this.#buffered, bytes]);
      this.#feed();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => this.#end(new Error('the NBD connection was closed')));
  }

  /** @param context asked for by `extents`, such as `base:allocation` */
  static async open(path: string, exportName: string, context?: string): Promise<LabNbd> {
    const socket = connect({ path });
    await once(socket, 'connect');
    const client = new LabNbd(socket);
    try {
      const wire = {
        take: (length: number) => client.#take(length),
        write: (bytes: Buffer) => void socket.write(bytes),
      };
      client.size = await handshake(wire, exportName, context);
    } catch (error) {
      socket.destroy();
      throw error;
    }
    void client.#replies();
    return client;
  }

  write(offset: number, bytes: Buffer): Promise<void> {
    return this.#request(1, offset, bytes.length, {}, bytes);
  }

  flush(): Promise<void> {
    return this.#request(3, 0, 0, {});
  }

  async read(offset: number, length: number): Promise<Buffer> {
    const result = Buffer.alloc(length);
    await this.#request(0, offset, length, { data: (at, bytes) => void bytes.copy(result, at - offset) });
    return result;
  }

  /** The extents whose flags in the context of `open` are as wanted. */
  async extents(wanted: (flags: number) => boolean): Promise<readonly LabExtent[]> {
    const result: LabExtent[] = [];
    for (let at = 0; at < this.size;) {
      let covered = 0;
      await this.#request(7, at, Math.min(LARGEST_STATUS, this.size - at), {
        status: (bytes) => {
          for (let i = 4; i < bytes.length; i += 8) {
            const length = bytes.readUInt32BE(i);
            if (wanted(bytes.readUInt32BE(i + 4))) result.push([at + covered, length]);
            covered += length;
          }
        },
      });
      if (covered === 0) throw new Error('an empty block status');
      at += covered;
    }
    return result;
  }

  close(): void {
    this.#socket.destroy();
  }

  #request(
    command: number,
    offset: number,
    length: number,
    on: Partial<Pending>,
    payload?: Buffer,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) {
        reject(this.#ended);
        return;
      }
      const ignore = (): void => undefined;
      this.#pending.set(++this.#handle, { data: ignore, status: ignore, ...on, resolve, reject });
      const head = Buffer.alloc(28);
      head.writeUInt32BE(0x25609513, 0);
      head.writeUInt16BE(command, 6);
      head.writeBigUInt64BE(this.#handle, 8);
      head.writeBigUInt64BE(BigInt(offset), 16);
      head.writeUInt32BE(length, 24);
      this.#socket.write(payload === undefined ? head : Buffer.concat([head, payload]));
    });
  }

  async #replies(): Promise<void> {
    try {
      for (;;) {
        const magic = (await this.#take(4)).readUInt32BE(0);
        if (magic === 0x67446698) this.#simple(await this.#take(12));
        else await this.#chunk(await this.#take(16));
      }
    } catch (error) {
      this.#end(error instanceof Error ? error : new Error(String(error)));
      this.#socket.destroy();
    }
  }

  #simple(reply: Buffer): void {
    this.#done(reply.readBigUInt64BE(4), reply.readUInt32BE(0));
  }

  async #chunk(head: Buffer): Promise<void> {
    const type = head.readUInt16BE(2);
    const handle = head.readBigUInt64BE(4);
    const bytes = await this.#take(head.readUInt32BE(12));
    const pending = this.#pending.get(handle);
    if (pending === undefined) throw new Error('an NBD reply that nobody asked for');
    if (type >= 0x8000) pending.error = new Error(`NBD error ${bytes.readUInt32BE(0)}`);
    else if (type === 1) pending.data(Number(bytes.readBigUInt64BE(0)), bytes.subarray(8));
    else if (type === 5) pending.status(bytes);
    if ((head.readUInt16BE(0) & 1) !== 0) this.#done(handle, 0);
  }

  #done(handle: bigint, error: number): void {
    const pending = this.#pending.get(handle);
    this.#pending.delete(handle);
    const failure = pending?.error ?? (error === 0 ? undefined : new Error(`NBD error ${error}`));
    if (failure === undefined) pending?.resolve();
    else pending?.reject(failure);
  }

  #take(length: number): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) {
        reject(this.#ended);
        return;
      }
      this.#onEnd = reject;
      this.#waiting = { length, resolve };
      this.#feed();
    });
  }

  #feed(): void {
    const waiting = this.#waiting;
    if (waiting === undefined || this.#buffered.length < waiting.length) return;
    const bytes = this.#buffered.subarray(0, waiting.length);
    this.#buffered = this.#buffered.subarray(waiting.length);
    this.#waiting = undefined;
    waiting.resolve(bytes);
  }

  #end(error: Error): void {
    this.#ended ??= error;
    this.#onEnd(error);
    for (const pending of this.#pending.values()) pending.reject(error);
    this.#pending.clear();
  }
}
