import type { Patience } from '../../port.js';
import { askUntil } from '../../waiting.js';
import { VsphereFault, VsphereWaitTooLong } from '../errors.js';
import type { VsphereSession } from '../session.js';
import { type VimArguments, vimFault } from './client.js';
import type { ObjectRef, VimNode } from './xml.js';
import { propertiesOf } from './properties.js';

/** @throws VsphereWaitTooLong after the time limit; the signal's reason if aborted */
export const until = <T>(what: string, patience: Patience, ask: () => Promise<T | undefined>): Promise<T> =>
  askUntil(patience, () => new VsphereWaitTooLong(what, patience.timeLimitMs), ask);

/**
 * Starts a task (a method whose name ends in `_Task`) and waits for its end.
 *
 * @returns its result, if it has one
 * @throws VsphereFault with the task's own fault; VsphereWaitTooLong; errors of `call`
 */
export async function runTask(
  session: VsphereSession,
  method: string,
  on: ObjectRef,
  args: VimArguments,
  patience: Patience,
): Promise<VimNode | undefined> {
  const answer = await session.call(method, on, args, patience);
  const task = answer.refAt('returnval');
  if (task === undefined) throw new VsphereFault(method, 'NoTask', 'it began no task');
  return finishedTask(session, task, `${method} on ${on.type} ${on.id}`, patience);
}

/** Waits until a task ends, whoever started it. */
export async function finishedTask(
  session: VsphereSession,
  task: ObjectRef,
  request: string,
  patience: Patience,
): Promise<VimNode | undefined> {
  const paths = ['info.state', 'info.error', 'info.result'];
  const ended = await until(request, patience, async () => {
    const properties = await propertiesOf(session, task, paths, patience.signal);
    const state = properties.get('info.state')?.text;
    return state === 'success' || state === 'error' ? { state, properties } : undefined;
  });
  if (ended.state === 'success') return ended.properties.get('info.result');
  const error = ended.properties.get('info.error');
  throw vimFault(request, error?.at('fault'), error?.textAt('localizedMessage') ?? '');
}
