import { NbdOptionRefused, NbdProtocolError } from './errors.js';
import {
  HandshakeFlag,
  Info,
  LARGEST_PAYLOAD,
  NBD_MAGIC,
  OPTION_MAGIC,
  OPTION_REPLY_MAGIC,
  Option,
  OptionReply,
} from './protocol.js';

/** The two ends of a connection while it is being set up: bytes in turn, no requests in flight. */
export interface Wire {
  write(bytes: Buffer): void;
  read(length: number): Promise<Buffer>;
}

export interface ExportInfo {
  readonly size: number;
  readonly flags: number;
  /** Requests begin and end at multiples of this. */
  readonly smallestBlock: number;
  readonly largestPayload: number;
  /** Ids that block status replies carry, by the names of the contexts that the server has. */
  readonly contexts: ReadonlyMap<string, number>;
}

const LARGEST_OPTION_REPLY = 64 * 1024;
const MOST_OPTION_REPLIES = 1000;
const SMALLEST_SANE_PAYLOAD = 4096;
const LARGEST_SANE_BLOCK = 65536;

/**
 * Fixed newstyle with structured replies, and those of the meta contexts that the server has.
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
  // A server without any context refuses the option itself; then all counts as data.
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
    throw new NbdProtocolError(endpoint, `it says no usable size (${size ?? 'none'})`);
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
