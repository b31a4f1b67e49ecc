import { closeSync, existsSync, openSync, readFileSync, truncateSync, writeSync } from 'node:fs';

export interface NewEvent {
  readonly stream: string;
  readonly id: string;
  readonly type: string;
  readonly isJson: boolean;
  /** Base64. */
  readonly data: string;
  readonly metadata: string;
}
export interface Stored extends NewEvent {
  readonly revision: bigint;
  readonly position: bigint;
}

export const ANY = -2n;
const EXISTS = -4n;

/** All events, in a file with one line for each transaction. As in the server, an event's position is its place in the file. */
export class Store {
  readonly all: Stored[] = [];
  readonly streams = new Map<string, Stored[]>();
  readonly subscriptions = new Set<(events: readonly Stored[]) => void>();
  readonly #file: number;
  #size = 0n;

  constructor(path: string) {
    const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
    // A kill may have cut the last line; nobody was told of its events.
    const whole = text.slice(0, text.lastIndexOf('\n') + 1);
    if (text !== '') truncateSync(path, Buffer.byteLength(whole));
    for (const line of whole.split('\n').slice(0, -1)) this.#take(JSON.parse(line) as NewEvent[], line);
    this.#file = openSync(path, 'a');
    process.on('exit', () => closeSync(this.#file));
  }

  last(stream: string): bigint {
    return BigInt(this.streams.get(stream)?.length ?? 0) - 1n;
  }

  write(events: readonly NewEvent[]): readonly Stored[] {
    const line = JSON.stringify(events);
    writeSync(this.#file, `${line}\n`);
    const stored = this.#take(events, line);
    for (const notify of this.subscriptions) notify(stored);
    return stored;
  }

  /** How a stream's state answers an append that expects `expected` of it. */
  decide(stream: string, expected: bigint, ids: readonly string[]): 'ok' | 'idempotent' | 'violated' {
    const last = this.last(stream);
    if (expected === ANY || expected === last) return 'ok';
    if (expected === EXISTS) return last >= 0n ? 'ok' : 'violated';
    if (expected > last || ids.length === 0) return 'violated';
    const events = this.streams.get(stream) ?? [];
    return ids.every((id, n) => events[Number(expected) + 1 + n]?.id === id) ? 'idempotent' : 'violated';
  }

  /** Events that reads of a stream show. */
  visible(stream: string): readonly Stored[] {
    const events = this.streams.get(stream) ?? [];
    const settings = this.streams.get(`$$${stream}`)?.at(-1);
    const { $maxCount } = JSON.parse(
      settings === undefined ? '{}' : Buffer.from(settings.data, 'base64').toString(),
    ) as {
      $maxCount?: number;
    };
    return $maxCount === undefined ? events : events.slice(-$maxCount);
  }

  #take(events: readonly NewEvent[], line: string): readonly Stored[] {
    const stored = events.map((event, n): Stored => {
      const at = { revision: this.last(event.stream) + 1n, position: this.#size + BigInt(n) + 1n };
      const each = { ...event, ...at };
      const stream = this.streams.get(event.stream) ?? [];
      this.streams.set(event.stream, stream);
      stream.push(each);
      this.all.push(each);
      return each;
    });
    this.#size += BigInt(Buffer.byteLength(line) + 1);
    return stored;
  }
}
