import type { Command } from 'commander';
import { ApiClient } from '../api-client.js';

/** Where commands write, and whom they ask. */
export interface CommandsContext {
  readonly api: () => ApiClient;
  /** Whether people read the output, or a program does. */
  readonly json: () => boolean;
  readonly print: (text: string) => void;
  /** Beside what is printed, which a program may read. */
  readonly warn: (text: string) => void;
}

export function contextOf(program: Command): CommandsContext {
  const options = (): { url: string; as?: string; json?: true } => program.opts();
  return {
    api: () => new ApiClient(options().url.replace(/\/+$/, ''), options().as),
    json: () => options().json === true,
    print: (text) => console.log(text),
    warn: (text) => console.error(text),
  };
}

/** Prints a value as JSON where that was asked for, else what `forPeople` makes of it. */
export function show<T>({ json, print }: CommandsContext, value: T, forPeople: (value: T) => string): void {
  print(json() ? JSON.stringify(value) : forPeople(value));
}
