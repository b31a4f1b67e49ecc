import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

export interface QmpEvent {
  readonly event: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** QEMU refused a command, or its end came before the answer. */
export class QmpFailed extends Error {
  constructor(
    readonly command: string,
    readonly reason: string,
  ) {
    super(`${command}: ${reason}`);
  }
}

interface Waiter {
  readonly wanted: (event: QmpEvent) => boolean;
  readonly resolve: (event: QmpEvent) => void;
  readonly reject: (error: Error) => void;
}

type Json = Readonly<Record<string, unknown>>;

const EVENT_MS = 20_000;

/** QMP over the pipes of a child: no socket to wait for, and no other client. */
export class Qmp {
  readonly #output: Writable;
  readonly #pending = new Map<
    number,
    { command: string; resolve(value: unknown): void; reject(e: Error): void }
  >();
  readonly #waiters = new Set<Waiter>();
  readonly #listeners = new Set<(event: QmpEvent) => void>();
  readonly #greeted: Promise<void>;
  #greet: () => void = () => undefined;
  #next = 0;
  #ended: string | undefined;

  constructor(input: Readable, output: Writable) {
    this.#output = output;
    this.#greeted = new Promise((resolve) => {
      this.#greet = resolve;
    });
    output.on('error', () => undefined); // A daemon that was killed: `close` says it.
    createInterface({ input })
      .on('line', (line) => this.#receive(line))
      .on('close', () => this.fail('the process has ended'));
  }

  /** Waits for the greeting and leaves the negotiation mode. @throws QmpFailed when the process ends first */
  async begin(): Promise<void> {
    await this.#greeted;
    await this.execute('qmp_capabilities');
  }

  /** @returns what QEMU returns @throws QmpFailed */
  execute(command: string, args: Json = {}): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) {
        reject(new QmpFailed(command, this.#ended));
        return;
      }
      const id = ++this.#next;
      this.#pending.set(id, { command, resolve, reject });
      this.#output.write(`${JSON.stringify({ execute: command, arguments: args, id })}\n`);
    });
  }

  /** Executes a command and waits for the event that says that it is done: awaited from before the command on. */
  async until(command: string, args: Json, wanted: (event: QmpEvent) => boolean): Promise<QmpEvent> {
    const happened = this.#event(wanted);
    happened.catch(() => undefined); // If the command is refused, nothing waits for the event.
    await this.execute(command, args);
    return happened;
  }

  /** Calls for every event from now on. */
  listen(listener: (event: QmpEvent) => void): void {
    this.#listeners.add(listener);
  }

  /** No further answer will come. */
  fail(reason: string): void {
    this.#ended ??= reason;
    this.#greet();
    for (const { command, reject } of this.#pending.values()) reject(new QmpFailed(command, reason));
    this.#pending.clear();
    for (const { reject } of this.#waiters) reject(new QmpFailed('event', reason));
    this.#waiters.clear();
  }

  #event(wanted: (event: QmpEvent) => boolean): Promise<QmpEvent> {
    return new Promise((resolve, reject) => {
      const waiter = { wanted, resolve, reject };
      const timer = setTimeout(() => {
        this.#waiters.delete(waiter);
        reject(new QmpFailed('event', `it did not come within ${EVENT_MS} ms`));
      }, EVENT_MS);
      this.#waiters.add({
        wanted,
        resolve: (event) => {
          clearTimeout(timer);
          resolve(event);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      });
    });
  }

  #receive(line: string): void {
    if (!line.startsWith('{')) return;
    const message = JSON.parse(line) as {
      QMP?: unknown;
      event?: string;
      data?: Json;
      id?: number;
      error?: { desc: string };
      return?: unknown;
    };
    if (message.QMP !== undefined) this.#greet();
    else if (message.event !== undefined) this.#happened({ event: message.event, data: message.data ?? {} });
    else if (message.id !== undefined) {
      const pending = this.#pending.get(message.id);
      this.#pending.delete(message.id);
      if (message.error === undefined) pending?.resolve(message.return);
      else pending?.reject(new QmpFailed(pending.command, message.error.desc));
    }
  }

  #happened(event: QmpEvent): void {
    for (const listener of this.#listeners) listener(event);
    for (const waiter of this.#waiters) {
      if (!waiter.wanted(event)) continue;
      this.#waiters.delete(waiter);
      waiter.resolve(event);
    }
  }
}
