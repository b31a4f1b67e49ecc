import { setTimeout as delay } from 'node:timers/promises';
import { type Finding, found } from '../../run/finding.js';
import { processesOn } from '../../world/processes.js';
import type { HookScript } from '../script.js';

/** How long a command may need to end after its VM is at an end. */
const ENDING_MS = 5000;

/** No command of a hook outlives its migration, whether it hung, its worker was killed, or the VM was canceled. */
export async function judgeHookProcesses(
  journal: string,
  hooks: readonly HookScript[],
  endingMs = ENDING_MS,
): Promise<readonly Finding[]> {
  const commands = hooks.filter(({ run }) => run === 'command').map(({ name }) => `${journal} ${name} `);
  for (const deadline = Date.now() + endingMs; commands.length > 0; await delay(100)) {
    const running = processesOn(journal).filter(({ command }) =>
      commands.some((each) => command.includes(each)),
    );
    if (running.length === 0) return [];
    if (Date.now() > deadline)
      return running.map(({ command }) => found('leaked', `a hook still runs after the end: ${command}`));
  }
  return [];
}
