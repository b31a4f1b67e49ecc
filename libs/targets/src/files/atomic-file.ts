import { writeFileAtomic as write } from '@ledgerlift/processes';
import { TargetUnusable } from '../errors.js';
import { errorCode } from './safe-path.js';

/**
 * Writes a file so that there is the old content or the new one at any moment, also after a power cut.
 * @throws TargetUnusable
 */
export async function writeFileAtomic(path: string, content: string): Promise<void> {
  try {
    await write(path, content);
  } catch (error) {
    throw new TargetUnusable(path, `it cannot be written (${errorCode(error)})`, error);
  }
}
