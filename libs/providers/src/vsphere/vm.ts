import type { SourceVm } from '@ledgerlift/contracts';
import type { Patience } from '../port.js';
import { VsphereFault } from './errors.js';
import type { VsphereSession } from './session.js';
import type { ObjectRef, VimNode } from './soap/node.js';
import { propertiesOf, retrieve } from './soap/properties.js';
import { until } from './soap/tasks.js';

export const vmRef = ({ id }: Pick<SourceVm, 'id'>): ObjectRef => ({ type: 'VirtualMachine', id });

/** @throws VsphereFault `ManagedObjectNotFound` when the VM is gone */
export const vmProperties = (
  session: VsphereSession,
  vm: Pick<SourceVm, 'id'>,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, VimNode>> => propertiesOf(session, vmRef(vm), paths, signal);

/** Whether an error is a fault of one of these names. */
export const isFault = (error: unknown, ...names: readonly string[]): error is VsphereFault =>
  error instanceof VsphereFault && names.includes(error.fault);

/**
 * Waits until nothing that was begun on the VM is under way, so that what is looked at next stays so: a snapshot that is
 * still being made would be found missing, and be there afterwards.
 */
export async function settled(session: VsphereSession, vm: SourceVm, patience: Patience): Promise<void> {
  const { signal } = patience;
  await until(`what was begun on ${vm.name}`, patience, async () => {
    const tasks = (await vmProperties(session, vm, ['recentTask'], signal)).get('recentTask')?.parts ?? [];
    const refs = tasks.flatMap(({ ref }) => ref ?? []);
    try {
      const states = await retrieve(session, refs, ['info.state'], signal);
      const isBusy = states.some(({ properties }) =>
        ['running', 'queued'].includes(properties.get('info.state')?.text ?? ''),
      );
      return isBusy ? undefined : true;
    } catch (error) {
      // A task that has just been forgotten has ended; which of the others have is asked again.
      if (isFault(error, 'ManagedObjectNotFound')) return undefined;
      throw error;
    }
  });
}
