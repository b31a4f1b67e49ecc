import type { SourceVm } from '@ledgerlift/contracts';
import type { Patience } from '../port.js';
import { VsphereFault, VsphereVmUnreadable } from './errors.js';
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

const CONFIGURED = 'config.template';
const CONNECTION = 'runtime.connectionState';

/**
 * Properties of a VM whose configuration vSphere can read. Without it, properties that a VM need not have (snapshots,
 * devices of a kind) are left out of an answer too, and would be taken for none.
 *
 * @throws VsphereVmUnreadable; VsphereFault `ManagedObjectNotFound` when the VM is gone
 */
export async function configuredProperties(
  session: VsphereSession,
  vm: Pick<SourceVm, 'id' | 'name'>,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, VimNode>> {
  const asked = [...new Set([...paths, CONFIGURED, CONNECTION])];
  const found = await vmProperties(session, vm, asked, signal);
  // A VM's configuration always says whether it is a template (vim.vm.ConfigInfo.template).
  if (found.has(CONFIGURED)) return found;
  throw new VsphereVmUnreadable(vm.name, found.get(CONNECTION)?.text ?? 'in no known state');
}

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
