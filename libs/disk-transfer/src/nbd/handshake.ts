import { NbdOptionRefused, NbdProtocolError } from './errors.js';
import {
  HandshakeFlag,
  Info,
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
  readonly largestPayload: number;
  /** Id that block status replies of the allocation context carry; undefined: the server cannot tell. */
  readonly allocationContext: number | undefined;
}

const LARGEST_OPTION_REPLY = 64 * 1024;
const SMALLEST_SANE_PAYLOAD = 4096;

/** Fixed newstyle with structured replies and, where the server has it, `base:allocation`. */
export async function handshake(
  wire: Wire,
  endpoint: string,
  exportName: string,
  largest: number,
): Promise<ExportInfo> {
  const hello = await wire.read(18);
  if (hello.readBigUInt64BE(0) !== NBD_MAGIC || hello.readBigUInt64BE(8) !== OPTION_MAGIC) {
    throw new NbdProtocolError(endpoint, 'it does not greet as a newstyle server');
  }
  if ((hello.readUInt16BE(16) & HandshakeFlag.fixedNewstyle) === 0) {
    throw new NbdProtocolError(endpoint, 'it does not speak fixed newstyle');
  }
  wire.write(uint32(HandshakeFlag.fixedNewstyle | HandshakeFlag.noZeroes));
  await option(wire, endpoint, Option.structuredReply, Buffer.alloc(0), 'structured replies');
  const name = Buffer.from(exportName);
  const query = Buffer.from('base:allocation');
  const contexts = await option(
    wire,
    endpoint,
    Option.setMetaContext,
    Buffer.concat([uint32(name.length), name, uint32(1), uint32(query.length), query]),
    'the allocation context',
  );
  const context = contexts.find(({ type, data }) => type === OptionReply.metaContext && data.length >= 4);
  const go = Buffer.concat([uint32(name.length), name, Buffer.from([0, 1, 0, Info.blockSize])]);
  const infos = await option(wire, endpoint, Option.go, go, `the export '${exportName}'`);
  return { ...exportInfo(infos, endpoint, largest), allocationContext: context?.data.readUInt32BE(0) };
}

interface Reply {
  readonly type: number;
  readonly data: Buffer;
}

function exportInfo(
  infos: readonly Reply[],
  endpoint: string,
  largest: number,
): Omit<ExportInfo, 'allocationContext'> {
  const ofType = (kind: number, length: number): Buffer | undefined =>
    infos.find(
      ({ type, data }) => type === OptionReply.info && data.length >= length && data.readUInt16BE(0) === kind,
    )?.data;
  const info = ofType(Info.export, 12);
  const size = info?.readBigUInt64BE(2);
  if (info === undefined || size === undefined || size > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new NbdProtocolError(endpoint, `it says no usable size (${size ?? 'none'})`);
  }
  const announced = ofType(Info.blockSize, 14)?.readUInt32BE(10) ?? largest;
  return {
    size: Number(size),
    flags: info.readUInt16BE(10),
    largestPayload: Math.max(SMALLEST_SANE_PAYLOAD, Math.min(largest, announced)),
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
  for (;;) {
    const reply = await wire.read(20);
    const type = reply.readUInt32BE(12);
    const length = reply.readUInt32BE(16);
    if (reply.readBigUInt64BE(0) !== OPTION_REPLY_MAGIC || length > LARGEST_OPTION_REPLY) {
      throw new NbdProtocolError(endpoint, 'an option reply is malformed');
    }
    const content = length === 0 ? Buffer.alloc(0) : await wire.read(length);
    if (type >= OptionReply.errorBit) {
      throw new NbdOptionRefused(endpoint, what, content.toString('utf8') || `error 0x${type.toString(16)}`);
    }
    if (type === OptionReply.ack) return replies;
    replies.push({ type, data: content });
  }
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
