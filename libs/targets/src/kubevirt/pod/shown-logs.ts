import { open } from 'node:fs/promises';
import { z } from 'zod';
import type { LogTail } from '../../port.js';

/**
 * A worker in a pod writes its logs to the scratch claim, which cannot be read from outside. So it also prints them: the API server shows
 * a container's output while the pod exists (`kept-logs.ts`), and the pod itself needs no access to the API server. This file is both
 * ends: it prints a log's lines as JSON with the log's name, among the worker's own output, and extracts them again.
 */
const Printed = z.union([
  /** Printing (re)starts at this byte. Discard earlier lines of this log. */
  z.object({ log: z.string(), from: z.int().min(0) }),
  z.object({ log: z.string(), line: z.string() }),
]);
/** Every printed line begins like this, and no line of a worker's own logger does. */
const BEGINNING = Buffer.from('{"log":');

/** Bytes to print of a log from before this process: about as much as will be kept. */
const EARLIER_BYTES = 256 * 1024;
/** Limits the line length, because a guest's console may print no line ends. */
const LONGEST_LINE = 8 * 1024;
const PIECE = 64 * 1024;
const EVERY_MS = 2000;

/** How far this process has printed a log: up to `offset`, except for an unfinished line. */
interface Printing {
  offset: number;
  unended: Buffer;
}
/** By path, so that the next attempt in this process continues where the last one stopped. */
const printings = new Map<string, Printing>();

const toStdout = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

/** Prints log files as they grow. Disposing of it prints the rest. Skips files that it cannot read. */
export class ShownLogs implements AsyncDisposable {
  readonly #logs = new Map<string, () => Promise<string>>();
  /** Progress of each log that exists, by name. */
  readonly #printed = new Map<string, Printing>();
  readonly #print: (line: string) => void;
  #timer: NodeJS.Timeout | undefined;
  #showing: Promise<void> = Promise.resolve();

  constructor(print: (line: string) => void = toStdout) {
    this.#print = print;
  }

  /** Adds a log and prints its existing lines first. @param name its claimed name @param path resolves to its absolute path */
  add(name: string, path: () => Promise<string>): void {
    this.#logs.set(name, path);
    this.#timer ??= setInterval(() => void this.show(), EVERY_MS).unref();
  }

  /** Prints the lines added since the last call. */
  show(): Promise<void> {
    this.#showing = this.#showing.then(async () => {
      // An unreadable log must not fail the work; its writer will notice.
      for (const [name, path] of this.#logs) await this.#showOne(name, path).catch(() => undefined);
    });
    return this.#showing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.show();
    for (const [name, printing] of this.#printed) {
      if (printing.unended.length === 0) continue;
      this.#printLine(name, printing.unended);
      printing.unended = Buffer.alloc(0);
    }
  }

  async #showOne(name: string, find: () => Promise<string>): Promise<void> {
    const path = await find();
    await using file = await open(path, 'r');
    const { size } = await file.stat();
    let printing = printings.get(path);
    // A shorter file was started again.
    if (printing === undefined || size < printing.offset) {
      const from = printing === undefined ? Math.max(0, size - EARLIER_BYTES) : 0;
      printing = { offset: from, unended: Buffer.alloc(0) };
      printings.set(path, printing);
      this.#print(JSON.stringify({ log: name, from }));
    }
    this.#printed.set(name, printing);
    const buffer = Buffer.alloc(PIECE);
    while (printing.offset < size) {
      const { bytesRead } = await file.read(buffer, 0, PIECE, printing.offset);
      if (bytesRead === 0) break;
      printing.offset += bytesRead;
      printing.unended = this.#printLines(
        name,
        Buffer.concat([printing.unended, buffer.subarray(0, bytesRead)]),
      );
    }
  }

  /** @returns the unfinished last line */
  #printLines(name: string, bytes: Buffer): Buffer {
    let rest = bytes;
    for (
      let end = rest.indexOf(NEWLINE);
      end !== -1 || rest.length > LONGEST_LINE;
      end = rest.indexOf(NEWLINE)
    ) {
      const length = end === -1 ? LONGEST_LINE : end;
      this.#printLine(name, rest.subarray(0, length));
      rest = rest.subarray(end === -1 ? length : length + 1);
    }
    return rest;
  }

  #printLine(name: string, line: Buffer): void {
    this.#print(JSON.stringify({ log: name, line: line.toString('utf8') }));
  }
}

const NEWLINE = 0x0a;

/** The end of a log as read so far. */
interface Reading {
  lines: string[];
  /** Size of these lines. */
  bytes: number;
  /** Size of the whole log so far. */
  size: number;
}

/** Extracts logs from a container's output. */
export class ShownLogsReader {
  readonly #limit: number;
  readonly #logs = new Map<string, Reading>();
  #unended = Buffer.alloc(0);

  /** @param limit bytes to keep of each log */
  constructor(limit: number) {
    this.#limit = limit;
  }

  push(chunk: Buffer): void {
    const bytes = Buffer.concat([this.#unended, chunk]);
    let begin = 0;
    for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, begin)) {
      this.#line(bytes.subarray(begin, end));
      begin = end + 1;
    }
    this.#unended = bytes.subarray(begin);
  }

  /** Returns the end of each log, by its name. */
  tails(): ReadonlyMap<string, LogTail> {
    return new Map(
      [...this.#logs].map(([name, { lines, size }]) => [
        name,
        { text: endOf(lines.map((line) => `${line}\n`).join(''), this.#limit), sizeBytes: size },
      ]),
    );
  }

  #line(bytes: Buffer): void {
    if (!bytes.subarray(0, BEGINNING.length).equals(BEGINNING)) return;
    const printed = parsed(bytes.toString('utf8'));
    if (printed === undefined) return;
    if ('from' in printed) {
      this.#logs.set(printed.log, { lines: [], bytes: 0, size: printed.from });
      return;
    }
    // If the beginning of the output is lost, the log counts from the first line seen.
    const reading = this.#logs.get(printed.log) ?? { lines: [], bytes: 0, size: 0 };
    this.#logs.set(printed.log, reading);
    const added = Buffer.byteLength(printed.line) + 1;
    reading.lines.push(printed.line);
    reading.bytes += added;
    reading.size += added;
    for (
      let first = bytesOfFirst(reading);
      reading.bytes - first >= this.#limit;
      first = bytesOfFirst(reading)
    ) {
      reading.lines.shift();
      reading.bytes -= first;
    }
  }
}

const bytesOfFirst = ({ lines: [first = ''] }: Reading): number => Buffer.byteLength(first) + 1;

function parsed(text: string): z.infer<typeof Printed> | undefined {
  try {
    return Printed.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** Returns at most `bytes` bytes of the end of a text, cut between characters. */
export function endOf(text: string, bytes: number): string {
  const all = Buffer.from(text);
  if (all.length <= bytes) return text;
  let begin = all.length - bytes;
  while (begin < all.length && ((all[begin] ?? 0) & 0xc0) === 0x80) begin += 1;
  return all.subarray(begin).toString('utf8');
}
