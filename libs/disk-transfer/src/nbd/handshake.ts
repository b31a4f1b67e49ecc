import { NbdOptionRefused, NbdProtocolError } from './errors.js';

/** Numbers of the NBD protocol: https://github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md */

export const NBD_MAGIC = 0x4e42444d41474943n; // 'NBDMAGIC'
export const OPTION_MAGIC = 0x49484156454f5054n; // 'IHAVEOPT'
export const OPTION_REPLY_MAGIC = 0x3e889045565a9n;
export const REQUEST_MAGIC = 0x25609513;
export const SIMPLE_REPLY_MAGIC = 0x67446698;
export const STRUCTURED_REPLY_MAGIC = 0x668e33ef;

export const HandshakeFlag = { fixedNewstyle: 1, noZeroes: 2 } as const;
export const Option = { go: 7, structuredReply: 8, setMetaContext: 10 } as const;
export const OptionReply = { ack: 1, info: 3, metaContext: 4, errorBit: 0x80000000 } as const;
export const Info = { export: 0, blockSize: 3 } as const;
export const TransmissionFlag = { readOnly: 1 << 1, sendFlush: 1 << 2, sendWriteZeroes: 1 << 6 } as const;
export const Command = {
  read: 0,
  write: 1,
  disconnect: 2,
  flush: 3,
  writeZeroes: 6,
  blockStatus: 7,
} as const;
export const CommandFlag = { noHole: 1 << 1 } as const;
export const Chunk = { none: 0, offsetData: 1, offsetHole: 2, blockStatus: 5, errorBit: 0x8000 } as const;
export const CHUNK_DONE = 1;

/** The meta context that distinguishes zeros from data. */
export const ALLOCATION = 'base:allocation';
/** Flags of base:allocation. Only `zero` means zeros: a hole without it may read as anything. */
export const AllocationFlag = { hole: 1, zero: 2 } as const;

/** A server that reports no block sizes must accept requests of 32 MiB; replies are never larger. */
export const LARGEST_PAYLOAD = 32 * 1024 * 1024;
/** The largest 32-bit request length that is a multiple of every block size. */
export const LARGEST_RANGE = 0x80000000;

export function requestHeader(
  command: number,
  flags: number,
  handle: bigint,
  offset: number,
  length: number,
): Buffer {
  const head = Buffer.allocUnsafe(28);
  head.writeUInt32BE(REQUEST_MAGIC, 0);
  head.writeUInt16BE(flags, 4);
  head.writeUInt16BE(command, 6);
  head.writeBigUInt64BE(handle, 8);
  head.writeBigUInt64BE(BigInt(offset), 16);
  head.writeUInt32BE(length, 24);
  return head;
}

/** A connection during the handshake, when no requests are in flight yet. */
export interface Wire {
  write(bytes: Buffer): void;
  read(length: number): Promise<Buffer>;
}

export interface ExportInfo {
  readonly size: number;
  readonly flags: number;
  /** Requests must begin and end at multiples of this many bytes. */
  readonly smallestBlock: number;
  readonly largestPayload: number;
  /** Name of each context that the server has → its id in block status replies. */
  readonly contexts: ReadonlyMap<string, number>;
}

const LARGEST_OPTION_REPLY = 64 * 1024;
const MOST_OPTION_REPLIES = 1000;
const SMALLEST_SANE_PAYLOAD = 4096;
const LARGEST_SANE_BLOCK = 65536;

/**
 * Negotiates fixed newstyle with structured replies, and those of the meta contexts that the server has.
 *
 * @throws NbdProtocolError, NbdOptionRefused
 */
export async function handshake(
  wire: Wire,
  endpoint: string,
  exportName: string,
  contexts: readonly string[],
): Promise<ExportInfo> {
  const hello = await wire.read(18);
  if (hello.readBigUInt64BE(0) !== NBD_MAGIC || hello.readBigUInt64BE(8) !== OPTION_MAGIC) {
    throw new NbdProtocolError(endpoint, 'it does not greet as a newstyle server');
  }
  if ((hello.readUInt16BE(16) & HandshakeFlag.fixedNewstyle) === 0) {
    throw new NbdProtocolError(endpoint, 'it does not speak fixed newstyle');
  }
  wire.write(uint32(HandshakeFlag.fixedNewstyle | HandshakeFlag.noZeroes));
  const ask = (code: number, data: Buffer, what: string): Promise<readonly Reply[]> =>
    option(wire, endpoint, code, data, what);
  await ask(Option.structuredReply, Buffer.alloc(0), 'structured replies');
  const name = withLength(exportName);
  const query = Buffer.concat([name, uint32(contexts.length), ...contexts.map(withLength)]);
  // A server without contexts refuses the option; then all counts as data.
  const offered = await ask(Option.setMetaContext, query, 'meta contexts').catch((error: unknown) => {
    if (error instanceof NbdOptionRefused) return [];
    throw error;
  });
  const go = Buffer.concat([name, Buffer.from([0, 1, 0, Info.blockSize])]);
  const infos = await ask(Option.go, go, `the export '${exportName}'`);
  return { ...exportInfo(infos, endpoint), contexts: contextIds(offered, contexts) };
}

interface Reply {
  readonly type: number;
  readonly data: Buffer;
}

function contextIds(offered: readonly Reply[], wanted: readonly string[]): ReadonlyMap<string, number> {
  return new Map(
    offered.flatMap(({ type, data }): [string, number][] => {
      if (type !== OptionReply.metaContext || data.length < 4) return [];
      const name = data.toString('utf8', 4);
      return wanted.includes(name) ? [[name, data.readUInt32BE(0)]] : [];
    }),
  );
}

function exportInfo(infos: readonly Reply[], endpoint: string): Omit<ExportInfo, 'contexts'> {
  const ofType = (kind: number, length: number): Buffer | undefined =>
    infos.find(
      ({ type, data }) => type === OptionReply.info && data.length >= length && data.readUInt16BE(0) === kind,
    )?.data;
  const info = ofType(Info.export, 12);
  const size = info?.readBigUInt64BE(2);
  if (info === undefined || size === undefined || size > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new NbdProtocolError(endpoint, `it reports no usable size (${size ?? 'none'})`);
  }
  const blocks = ofType(Info.blockSize, 14);
  const smallestBlock = blocks?.readUInt32BE(2) ?? 1;
  const largestPayload = Math.min(LARGEST_PAYLOAD, blocks?.readUInt32BE(10) ?? LARGEST_PAYLOAD);
  const isPowerOfTwo = smallestBlock > 0 && (smallestBlock & (smallestBlock - 1)) === 0;
  if (!isPowerOfTwo || smallestBlock > LARGEST_SANE_BLOCK || largestPayload < SMALLEST_SANE_PAYLOAD) {
    throw new NbdProtocolError(
      endpoint,
      `it announces blocks of ${smallestBlock} and payloads of at most ${largestPayload} bytes`,
    );
  }
  return {
    size: Number(size),
    flags: info.readUInt16BE(10),
    smallestBlock,
    largestPayload: largestPayload - (largestPayload % smallestBlock),
  };
}

async function option(
  wire: Wire,
  endpoint: string,
  code: number,
  data: Buffer,
  what: string,
): Promise<readonly Reply[]> {
  const head = Buffer.alloc(16);
  head.writeBigUInt64BE(OPTION_MAGIC, 0);
  head.writeUInt32BE(code, 8);
  head.writeUInt32BE(data.length, 12);
  wire.write(Buffer.concat([head, data]));
  const replies: Reply[] = [];
  while (replies.length < MOST_OPTION_REPLIES) {
    const reply = await wire.read(20);
    const type = reply.readUInt32BE(12);
    const length = reply.readUInt32BE(16);
    const isOurs = reply.readBigUInt64BE(0) === OPTION_REPLY_MAGIC && reply.readUInt32BE(8) === code;
    if (!isOurs || length > LARGEST_OPTION_REPLY) {
      throw new NbdProtocolError(endpoint, `the reply to option ${code} is malformed`);
    }
    const content = length === 0 ? Buffer.alloc(0) : await wire.read(length);
    if (type >= OptionReply.errorBit) {
      throw new NbdOptionRefused(endpoint, what, content.toString('utf8') || `error 0x${type.toString(16)}`);
    }
    if (type === OptionReply.ack) return replies;
    replies.push({ type, data: content });
  }
  throw new NbdProtocolError(endpoint, `its reply to option ${code} does not end`);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function withLength(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([uint32(bytes.length), bytes]);
}
