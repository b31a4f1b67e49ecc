import { access, constants, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import type { HookSettings } from '../config.js';
import { HookFailed, HookTimedOut, HookUnavailable } from './errors.js';
import { runInGroup } from './process-group.js';
import { Tail } from './text.js';

export interface CommandHook {
  readonly name: string;
  readonly run: { readonly command: string; readonly arguments: readonly string[] };
  readonly timeLimitMs: number;
}

/** Bytes of its output that are kept. */
const SAID = 4096;

/**
 * Runs a command of the hooks folder, with the JSON on its standard input. When this returns or throws, nothing of its
 * process group runs any more.
 *
 * @returns the end of its output
 * @throws HookUnavailable, HookFailed, HookTimedOut; the signal's reason
 */
export async function runCommand(
  hook: CommandHook,
  payload: object,
  settings: HookSettings,
  signal: AbortSignal,
): Promise<string> {
  const { folder, file } = await findCommand(hook, settings.hooksFolder);
  signal.throwIfAborted();
  const limit = AbortSignal.timeout(hook.timeLimitMs);
  const tail = new Tail(SAID);
  const status = await runInGroup({
    argv: [file, ...hook.run.arguments],
    env: settings.environment,
    cwd: folder,
    input: `${JSON.stringify(payload)}\n`,
    onOutput: (chunk) => tail.push(chunk),
    signal: AbortSignal.any([signal, limit]),
  });
  signal.throwIfAborted();
  if (status === 0) return tail.text;
  if (limit.aborted) throw new HookTimedOut(hook.name, hook.timeLimitMs, tail.text);
  throw new HookFailed(hook.name, `ended with status ${status}`, tail.text);
}

/** A link may lead within the folder, never out of it. */
async function findCommand(
  { name, run }: CommandHook,
  hooksFolder: string | undefined,
): Promise<{ readonly folder: string; readonly file: string }> {
  if (hooksFolder === undefined)
    throw new HookUnavailable(name, 'this worker has no folder of hooks; set LEDGERLIFT_HOOKS_DIR');
  const path = join(hooksFolder, run.command);
  const unavailable = (why: string): HookUnavailable => new HookUnavailable(name, `${path} ${why}`);
  let folder: string;
  let file: string;
  try {
    folder = await realpath(hooksFolder);
    file = await realpath(path);
  } catch {
    throw unavailable('is not there; put it into the folder of hooks at this site');
  }
  if (!file.startsWith(folder.endsWith(sep) ? folder : folder + sep))
    throw unavailable('leads out of the folder of hooks');
  if (!(await stat(file)).isFile()) throw unavailable('is no file');
  try {
    await access(file, constants.X_OK);
  } catch {
    throw unavailable('is not executable for the user that the worker runs as');
  }
  return { folder, file };
}
