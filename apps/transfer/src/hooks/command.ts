import { access, constants, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { OutputTail, ProcessGroup } from '@ledgerlift/processes';
import type { HookSettings } from '../config.js';
import { HookFailed, HookTimedOut, HookUnavailable } from './errors.js';
import { printable } from './payload.js';

export interface CommandHook {
  readonly name: string;
  readonly run: { readonly command: string; readonly arguments: readonly string[] };
  readonly timeLimitMs: number;
}

/** Bytes of output that are kept. */
const OUTPUT_BYTES = 4096;

/**
 * Runs a command from the hooks folder with the payload as JSON on standard input. When this returns or throws, its
 * process group has ended.
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
  const output = new OutputTail(OUTPUT_BYTES);
  const group = await ProcessGroup.prepare({
    argv: [file, ...hook.run.arguments],
    env: settings.environment,
    cwd: folder,
    input: `${JSON.stringify(payload)}\n`,
    onStdout: (chunk) => output.push(chunk),
    onStderr: (chunk) => output.push(chunk),
    // A process that the command starts in its own session on purpose is its author's responsibility.
    strays: 'left-alone',
  });
  const status = await statusUnless(AbortSignal.any([signal, limit]), group);
  const said = printable(output.bytes);
  signal.throwIfAborted();
  if (status === 0) return said;
  if (limit.aborted) throw new HookTimedOut(hook.name, hook.timeLimitMs, said);
  throw new HookFailed(hook.name, `ended with status ${status}`, said);
}

/** Runs the command and ends its group. @returns its exit status; 137 if the signal aborted it */
async function statusUnless(signal: AbortSignal, group: ProcessGroup): Promise<number> {
  const stop = Promise.withResolvers<number>();
  const onAbort = (): void => stop.resolve(137);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    if (signal.aborted) return 137;
    group.go();
    return await Promise.race([group.exited, stop.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
    await group.end();
  }
}

/** A link may point within the folder, but never outside it. */
async function findCommand(
  { name, run }: CommandHook,
  hooksFolder: string | undefined,
): Promise<{ readonly folder: string; readonly file: string }> {
  if (hooksFolder === undefined)
    throw new HookUnavailable(name, 'this worker has no hooks folder; set LEDGERLIFT_HOOKS_DIR');
  const path = join(hooksFolder, run.command);
  const unavailable = (why: string): HookUnavailable => new HookUnavailable(name, `${path} ${why}`);
  let folder: string;
  let file: string;
  try {
    folder = await realpath(hooksFolder);
    file = await realpath(path);
  } catch {
    throw unavailable('does not exist; put it into the hooks folder at this site');
  }
  if (!file.startsWith(folder.endsWith(sep) ? folder : folder + sep))
    throw unavailable('points outside the hooks folder');
  if (!(await stat(file)).isFile()) throw unavailable('is not a file');
  try {
    await access(file, constants.X_OK);
  } catch {
    throw unavailable("is not executable by the worker's user");
  }
  return { folder, file };
}
