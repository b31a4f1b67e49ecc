const OPTION = 0x49484156454f5054n;

interface Wire {
  take(length: number): Promise<Buffer>;
  write(bytes: Buffer): void;
}

interface Reply {
  readonly type: number;
  readonly data: Buffer;
}

/** Fixed newstyle with structured replies and at most one meta context. @returns the export's size */
export async function handshake(wire: Wire, name: string, context: string | undefined): Promise<number> {
  await wire.take(18);
  wire.write(words(3));
  await option(wire, 8, Buffer.alloc(0));
  if (context !== undefined) {
    const replies = await option(wire, 10, Buffer.concat([text(name), words(1), text(context)]));
    if (!replies.some(({ type }) => type === 4)) throw new Error(`the export has no context ${context}`);
  }
  const infos = await option(wire, 7, Buffer.concat([text(name), Buffer.from([0, 0])]));
  const info = infos.find(({ type, data }) => type === 3 && data.readUInt16BE(0) === 0);
  if (info === undefined) throw new Error(`the export '${name}' has no size`);
  return Number(info.data.readBigUInt64BE(2));
}

async function option(wire: Wire, code: number, data: Buffer): Promise<readonly Reply[]> {
  const head = Buffer.alloc(8);
  head.writeBigUInt64BE(OPTION);
  wire.write(Buffer.concat([head, words(code, data.length), data]));
  for (const replies: Reply[] = []; ;) {
    const reply = await wire.take(20);
    const type = reply.readUInt32BE(12);
    const content = await wire.take(reply.readUInt32BE(16));
    if (type >= 0x80000000) throw new Error(`NBD option ${code}: ${content.toString() || type}`);
    if (type === 1) return replies;
    replies.push({ type, data: content });
  }
}

function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, i) => bytes.writeUInt32BE(value, 4 * i));
  return bytes;
}

const text = (value: string): Buffer => Buffer.concat([words(Buffer.byteLength(value)), Buffer.from(value)]);
