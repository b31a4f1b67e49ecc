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

/** The meta context that tells zeros from data. */
export const ALLOCATION = 'base:allocation';
/** base:allocation. A hole that is not said to be zero may hold anything: only `zero` means zero. */
export const AllocationFlag = { hole: 1, zero: 2 } as const;

/** A server must take requests of 32 MiB where it says nothing of block sizes; replies are never larger either. */
export const LARGEST_PAYLOAD = 32 * 1024 * 1024;
/** Lengths of requests are 32-bit numbers; the largest one that is a multiple of every block size. */
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
