import type { Command } from 'commander';
import { ApiClient } from '../api-client.js';

/** Output and API access of the commands. */
export interface CommandsContext {
  readonly api: () => ApiClient;
  /** Whether the output is for a program (`--json`) rather than for people. */
  readonly json: () => boolean;
  readonly print: (text: string) => void;
  /** Prints to standard error, because a program may read the standard output. */
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

/** Prints a value as JSON with `--json`, else as the text from `forPeople`. */
export function show<T>({ json, print }: CommandsContext, value: T, forPeople: (value: T) => string): void {
  print(json() ? JSON.stringify(value) : forPeople(value));
}
