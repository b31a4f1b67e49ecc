import { appendFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';

/** A call of a hook, as the one who was called tells it. */
export interface HookLine {
  readonly time: string;
  readonly what: 'begun' | 'ended';
  readonly hook: string;
  /** Its number; `plan`: a hook of the whole plan. */
  readonly vm: string;
  /** Where whoever was called is not told, as many as it saw. */
  readonly attempt: string;
  readonly outcome: '-' | 'ok' | 'fail';
}

/** What hooks of every kind write when they are called. `commands/answer` writes the same lines. */
export class HookJournal {
  constructor(readonly path: string) {}

  note(line: Omit<HookLine, 'time'>, time = new Date().toISOString()): void {
    const { what, hook, vm, attempt, outcome } = line;
    appendFileSync(this.path, `${[time, what, hook, vm, attempt, outcome].join(' ')}\n`);
  }

  async lines(): Promise<readonly HookLine[]> {
    const text = await readFile(this.path, 'utf8').catch(() => '');
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => {
        const [time = '', what, hook = '', vm = '', attempt = '', outcome] = line.split(' ');
        return {
          time,
          what: what === 'ended' ? 'ended' : 'begun',
          hook,
          vm,
          attempt,
          outcome: outcome === 'ok' || outcome === 'fail' ? outcome : '-',
        };
      });
  }
}
