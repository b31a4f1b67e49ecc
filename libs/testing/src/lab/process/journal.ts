import { appendFileSync } from 'node:fs';
import type { JournalLine } from '../wire.js';

/** The append-only record of every effect. Written at once, so that a kill loses no line of what was done. */
export class Journal {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  write(effect: JournalLine['effect'], more: Omit<JournalLine, 'time' | 'effect'> = {}): void {
    const line: JournalLine = { time: new Date().toISOString(), effect, ...more };
    appendFileSync(this.#path, `${JSON.stringify(line)}\n`);
  }
}
