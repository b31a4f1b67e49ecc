import { NbdRequestFailed } from './errors.js';
import { Command } from './handshake.js';
import type { ReplyHandler } from './reply-reader.js';

/** A part of a disk with its flags in a meta context. */
export interface StatusExtent {
  readonly offset: number;
  readonly length: number;
  readonly flags: number;
}

export interface Request {
  readonly name: string;
  readonly command: number;
  readonly offset: number;
  readonly length: number;
  /** Destination of the data that a READ returns. */
  readonly into?: Buffer;
}

interface Pending extends Request {
  /** Extents by context id. */
  readonly status: Map<number, readonly StatusExtent[]>;
  received: number;
  failed: Error | undefined;
  readonly resolve: (status: ReadonlyMap<number, readonly StatusExtent[]>) => void;
  readonly reject: (error: Error) => void;
}

/** The outstanding requests of one connection. Checks that replies match the requests. */
export class PendingRequests implements ReplyHandler {
  readonly #pending = new Map<bigint, Pending>();
  #handle = 0n;

  constructor(
    private readonly endpoint: string,
    private readonly diskSize: number,
    readonly malformed: (reason: string) => Error,
  ) {}

  get count(): number {
    return this.#pending.size;
  }

  /** @returns the handle with which to send the request */
  add(request: Request, resolve: Pending['resolve'], reject: Pending['reject']): bigint {
    this.#handle += 1n;
    const pending = { ...request, status: new Map(), received: 0, failed: undefined, resolve, reject };
    this.#pending.set(this.#handle, pending);
    return this.#handle;
  }

  failAll(error: Error): void {
    for (const pending of this.#pending.values()) pending.reject(error);
    this.#pending.clear();
  }

  place(handle: bigint, offset: number, length: number): Buffer {
    const pending = this.#find(handle);
    const start = offset - pending.offset;
    if (
      pending.into === undefined ||
      start < 0 ||
      length > pending.into.length - pending.received ||
      start + length > pending.into.length
    ) {
      throw this.malformed(`data of ${length} bytes at ${offset}, which nobody asked for`);
    }
    pending.received += length;
    return pending.into.subarray(start, start + length);
  }

  hole(handle: bigint, offset: number, length: number): void {
    this.place(handle, offset, length).fill(0);
  }

  error(handle: bigint, errno: number): void {
    const pending = this.#find(handle);
    pending.failed ??= new NbdRequestFailed(this.endpoint, pending.name, pending.offset, errno);
  }

  status(handle: bigint, content: Buffer): void {
    const pending = this.#find(handle);
    const id = content.length >= 12 ? content.readUInt32BE(0) : undefined;
    if (pending.command !== Command.blockStatus || id === undefined || (content.length - 4) % 8 !== 0) {
      throw this.malformed('a malformed block status');
    }
    if (pending.status.has(id)) throw this.malformed(`two block statuses of the context ${id}`);
    pending.status.set(id, this.#extents(pending, content));
  }

  done(handle: bigint, kind: 'simple' | 'structured'): void {
    const pending = this.#find(handle);
    const fault = pending.failed === undefined ? incompleteness(pending, kind) : undefined;
    // Throw while the request is still pending, so that it fails together with all others.
    if (fault !== undefined) throw this.malformed(fault);
    this.#pending.delete(handle);
    if (pending.failed === undefined) pending.resolve(pending.status);
    else pending.reject(pending.failed);
  }

  #extents(pending: Pending, content: Buffer): readonly StatusExtent[] {
    const wanted = pending.offset + pending.length;
    const extents: StatusExtent[] = [];
    let offset = pending.offset;
    for (let at = 4; at < content.length; at += 8) {
      const length = content.readUInt32BE(at);
      if (length === 0 || offset >= wanted) throw this.malformed('an extent that covers nothing asked for');
      if (offset + length > this.diskSize) {
        throw this.malformed(`an extent of ${length} bytes at ${offset}, beyond the end at ${this.diskSize}`);
      }
      // The last extent may reach beyond the requested range.
      extents.push({
        offset,
        length: Math.min(length, wanted - offset),
        flags: content.readUInt32BE(at + 4),
      });
      offset += length;
    }
    return extents;
  }

  #find(handle: bigint): Pending {
    const pending = this.#pending.get(handle);
    if (pending === undefined) throw this.malformed(`a reply to request ${handle}, which was not made`);
    return pending;
  }
}

function incompleteness(pending: Pending, kind: 'simple' | 'structured'): string | undefined {
  const needsStructured = pending.command === Command.read || pending.command === Command.blockStatus;
  if (needsStructured && kind === 'simple') return `${pending.name} was answered by a simple reply`;
  if (pending.into !== undefined && pending.received !== pending.into.length) {
    return `a read of ${pending.into.length} bytes was answered by ${pending.received}`;
  }
  return undefined;
}
