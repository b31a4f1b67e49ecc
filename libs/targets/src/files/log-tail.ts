import { open } from 'node:fs/promises';
import type { LogTail } from '../port.js';
import { errorCode } from './safe-path.js';

/**
 * The end of a log that is a file of this machine.
 *
 * @param path absolute
 * @returns undefined where there is none
 * @throws the system's error where it cannot be read
 */
export async function tailOf(path: string, tailBytes: number): Promise<LogTail | undefined> {
  try {
    await using file = await open(path, 'r');
    const { size } = await file.stat();
    const length = Math.min(size, tailBytes);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
    return { text: buffer.subarray(0, bytesRead).toString('utf8'), sizeBytes: size };
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
