import { createReadStream, createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import type { Located } from './package.js';

/** Joins the parts of a file, and inflates them where they are compressed: what cannot be read at an offset. */
export async function unpack(
  parts: readonly Located[],
  compression: 'none' | 'gzip',
  path: string,
  signal: AbortSignal,
): Promise<void> {
  const source = Readable.from(bytesOf(parts));
  const target = createWriteStream(path, { mode: 0o600 });
  if (compression === 'gzip') await pipeline(source, createGunzip(), target, { signal });
  else await pipeline(source, target, { signal });
  const file = await open(path, 'r+');
  await file.sync().finally(() => file.close());
}

async function* bytesOf(parts: readonly Located[]): AsyncIterable<Buffer> {
  for (const { file, offset, length } of parts) {
    if (length === 0) continue;
    yield* createReadStream(file, {
      start: offset,
      end: offset + length - 1,
      highWaterMark: 1024 * 1024,
    }) as AsyncIterable<Buffer>;
  }
}
