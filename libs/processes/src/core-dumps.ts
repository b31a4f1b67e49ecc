import { runTool } from './run-tool.js';

/** A core dump of this process, or of what it starts from now on, would hold passwords in the clear: there are none. */
export async function withoutCoreDumps(): Promise<void> {
  await runTool('prlimit', ['--pid', String(process.pid), '--core=0:0'], { timeoutMs: 20_000 });
}
