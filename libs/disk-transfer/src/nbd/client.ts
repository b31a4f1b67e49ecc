import { type Socket, connect } from 'node:net';
import { ByteIntake, ReplyReader } from './reply-reader.js';
import { NbdConnectionLost, NbdProtocolError } from './errors.js';
import {
  ALLOCATION,
  AllocationFlag,
  Command,
  CommandFlag,
  type ExportInfo,
  handshake,
  LARGEST_RANGE,
  requestHeader,
  TransmissionFlag,
} from './handshake.js';
import { PendingRequests, type Request, type StatusExtent } from './pending-requests.js';

/** Address of an NBD export: a Unix socket, or a host and port. */
export type NbdEndpoint = ({ readonly socket: string } | { readonly host: string; readonly port: number }) & {
  readonly exportName?: string;
  /** Handshake time limit, for a server that opens a remote disk only on demand; 20 s by default. */
  readonly openMs?: number;
};

/** A part of a disk. `zero` if it reads as zeros and so need not be read. */
export interface Extent {
  readonly offset: number;
  readonly length: number;
  readonly zero: boolean;
}

export interface NbdClientOptions {
  /** Meta contexts in addition to `base:allocation`, such as `qemu:dirty-bitmap:NAME`. */
  readonly contexts?: readonly string[];
  /** Ends the connection, or the attempt to connect. */
  readonly signal?: AbortSignal;
  /** A server that is silent for this long while requests are outstanding counts as gone; 300 s by default. */
  readonly silenceMs?: number;
}

const HANDSHAKE_MS = 20_000;
/** Long, because a flush or zeroing a GiB may take minutes on slow storage. */
const SILENCE_MS = 300_000;

/** One connection to an NBD export. Callers may have any number of requests in flight. */
export class NbdClient {
  readonly name: string;
  readonly #socket: Socket;
  readonly #intake = new ByteIntake();
  readonly #watch: NodeJS.Timeout;
  #requests: PendingRequests | undefined;
  #info: ExportInfo | undefined;
  #heardAt = performance.now();
  #broken: Error | undefined;
  #onBreak: (error: Error) => void = () => undefined;

  private constructor(endpoint: NbdEndpoint, { signal, silenceMs = SILENCE_MS }: NbdClientOptions) {
    this.name = 'socket' in endpoint ? endpoint.socket : `${endpoint.host}:${endpoint.port}`;
    const address =
      'socket' in endpoint ? { path: endpoint.socket } : { host: endpoint.host, port: endpoint.port };
    this.#socket = connect({
      ...address,
      noDelay: true,
      onread: { buffer: () => this.#intake.nextBuffer(), callback: (count) => this.#receive(count) },
    });
    this.#socket.on('error', (error) => this.#break(new NbdConnectionLost(this.name, error.message)));
    this.#socket.on('close', () =>
      this.#break(new NbdConnectionLost(this.name, 'the connection was closed')),
    );
    this.#watch = setInterval(() => this.#checkSilence(silenceMs), Math.min(silenceMs / 4, 10_000));
    const abort = (): void => this.#break(new NbdConnectionLost(this.name, 'we gave up on it'));
    if (signal?.aborted === true) abort();
    signal?.addEventListener('abort', abort, { once: true });
    this.#socket.once('close', () => signal?.removeEventListener('abort', abort));
  }

  /** @throws NbdConnectionLost, NbdProtocolError, NbdOptionRefused */
  static async connect(endpoint: NbdEndpoint, options: NbdClientOptions = {}): Promise<NbdClient> {
    const client = new NbdClient(endpoint, options);
    const late = setTimeout(
      () => client.#break(new NbdConnectionLost(client.name, 'it did not answer the handshake')),
      endpoint.openMs ?? HANDSHAKE_MS,
    );
    try {
      const contexts = [ALLOCATION, ...(options.contexts ?? [])];
      client.#begin(await client.#handshake(endpoint.exportName ?? '', contexts));
      return client;
    } catch (error) {
      client.#break(error instanceof Error ? error : new Error(String(error)));
      throw error;
    } finally {
      clearTimeout(late);
    }
  }

  get size(): number {
    return this.#export.size;
  }

  /** Requests must begin and end at multiples of this many bytes, or at the disk's end. */
  get smallestBlock(): number {
    return this.#export.smallestBlock;
  }

  get canWriteZeroes(): boolean {
    return (this.#export.flags & TransmissionFlag.sendWriteZeroes) !== 0;
  }

  get isReadOnly(): boolean {
    return (this.#export.flags & TransmissionFlag.readOnly) !== 0;
  }

  hasContext(name: string): boolean {
    return this.#export.contexts.has(name);
  }

  /** Fills `into` from `offset` on, in as many requests as the server's limit requires. */
  async read(offset: number, into: Buffer): Promise<void> {
    await this.#inParts(into.length, (at, length) =>
      this.#request({
        name: 'READ',
        command: Command.read,
        offset: offset + at,
        length,
        into: into.subarray(at, at + length),
      }),
    );
  }

  async write(offset: number, data: Buffer): Promise<void> {
    await this.#inParts(data.length, (at, length) =>
      this.#request(
        { name: 'WRITE', command: Command.write, offset: offset + at, length },
        data.subarray(at, at + length),
      ),
    );
  }

  /**
   * Makes a range read as zeros.
   *
   * @param space `may-free`: the server may punch a hole; `keep`: the space stays allocated
   */
  async writeZeroes(offset: number, length: number, space: 'may-free' | 'keep' = 'may-free'): Promise<void> {
    const flags = space === 'keep' ? CommandFlag.noHole : 0;
    await this.#request(
      { name: 'WRITE_ZEROES', command: Command.writeZeroes, offset, length },
      undefined,
      flags,
    );
  }

  /** Makes all confirmed writes durable. */
  async flush(): Promise<void> {
    // A server without FLUSH has no volatile cache.
    if ((this.#export.flags & TransmissionFlag.sendFlush) === 0) return;
    await this.#request({ name: 'FLUSH', command: Command.flush, offset: 0, length: 0 });
  }

  /** Returns extents of at least the beginning of the range. Without an allocation context, all counts as data. */
  async blockStatus(offset: number, length: number): Promise<readonly Extent[]> {
    if (!this.hasContext(ALLOCATION)) return [{ offset, length, zero: false }];
    const status = await this.status(ALLOCATION, offset, length);
    return status.map((each) => ({
      offset: each.offset,
      length: each.length,
      zero: (each.flags & AllocationFlag.zero) !== 0,
    }));
  }

  /**
   * Returns the status of at least the beginning of the range in a meta context.
   *
   * @throws NbdProtocolError if the server does not have the context
   */
  async status(context: string, offset: number, length: number): Promise<readonly StatusExtent[]> {
    const id = this.#export.contexts.get(context);
    if (id === undefined) throw this.#protocolError(`it has no meta context ${context}`);
    const asked = Math.min(length, LARGEST_RANGE);
    const all = await this.#request({
      name: 'BLOCK_STATUS',
      command: Command.blockStatus,
      offset,
      length: asked,
    });
    const extents = all.get(id);
    if (extents === undefined) throw this.#protocolError(`a block status without the context ${context}`);
    return extents;
  }

  /** Ends the connection. Outstanding requests fail. */
  close(): void {
    if (this.#broken === undefined && this.#requests?.count === 0) {
      this.#socket.end(requestHeader(Command.disconnect, 0, 0n, 0, 0));
    }
    this.#break(new NbdConnectionLost(this.name, 'we closed the connection'));
  }

  get #export(): ExportInfo {
    if (this.#info === undefined) throw this.#broken ?? new Error('not connected yet');
    return this.#info;
  }

  #handshake(exportName: string, contexts: readonly string[]): Promise<ExportInfo> {
    const wire = {
      write: (bytes: Buffer) => void this.#socket.write(bytes),
      read: (length: number) =>
        new Promise<Buffer>((resolve, reject) => {
          if (this.#broken !== undefined) throw this.#broken;
          this.#onBreak = reject;
          const into = Buffer.alloc(length);
          this.#intake.fill(into, () => resolve(into));
        }),
    };
    return handshake(wire, this.name, exportName, contexts);
  }

  #begin(info: ExportInfo): void {
    const requests = new PendingRequests(this.name, info.size, (reason) => this.#protocolError(reason));
    this.#info = info;
    this.#requests = requests;
    this.#onBreak = (error) => requests.failAll(error);
    new ReplyReader(this.#intake, requests).start();
  }

  async #inParts(length: number, request: (at: number, length: number) => Promise<unknown>): Promise<void> {
    const limit = this.#export.largestPayload;
    if (length <= limit) {
      await request(0, length);
      return;
    }
    const parts: Promise<unknown>[] = [];
    for (let at = 0; at < length; at += limit) parts.push(request(at, Math.min(limit, length - at)));
    await Promise.all(parts);
  }

  #request(
    request: Request,
    payload?: Buffer,
    flags = 0,
  ): Promise<ReadonlyMap<number, readonly StatusExtent[]>> {
    return new Promise((resolve, reject) => {
      const requests = this.#requests;
      if (this.#broken !== undefined || requests === undefined) {
        reject(this.#broken ?? new Error('not connected yet'));
        return;
      }
      if (requests.count === 0) this.#heardAt = performance.now();
      const handle = requests.add(request, resolve, reject);
      this.#socket.cork();
      this.#socket.write(requestHeader(request.command, flags, handle, request.offset, request.length));
      if (payload !== undefined) this.#socket.write(payload);
      this.#socket.uncork();
    });
  }

  #receive(count: number): boolean {
    this.#heardAt = performance.now();
    try {
      if (this.#broken === undefined) this.#intake.received(count);
    } catch (error) {
      this.#break(error instanceof Error ? error : new Error(String(error)));
    }
    return true;
  }

  #checkSilence(limitMs: number): void {
    const silent = performance.now() - this.#heardAt;
    if (this.#requests === undefined || this.#requests.count === 0 || silent < limitMs) return;
    this.#break(
      new NbdConnectionLost(this.name, `it has not answered for ${Math.round(silent / 1000)} seconds`),
    );
  }

  #protocolError(reason: string): NbdProtocolError {
    return new NbdProtocolError(this.name, reason);
  }

  #break(error: Error): void {
    if (this.#broken !== undefined) return;
    this.#broken = error;
    clearInterval(this.#watch);
    this.#intake.stop();
    // Let a pending disconnect message out, but do not wait for a server that does not read.
    if (this.#socket.writableEnded) setTimeout(() => this.#socket.destroy(), 1000).unref();
    else this.#socket.destroy();
    this.#onBreak(error);
  }
}
