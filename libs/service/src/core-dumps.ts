import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** A core dump of this process, or of what it starts from now on, would hold passwords in the clear: there are none. */
export async function withoutCoreDumps(): Promise<void> {
  await promisify(execFile)('prlimit', ['--pid', String(process.pid), '--core=0:0']);
}
