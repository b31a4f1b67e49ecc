import type { SourceVm } from '@ledgerlift/contracts';
import type { Patience } from '../port.js';
import { VsphereFault, VsphereVmUnreadable } from './errors.js';
import type { VsphereSession } from './session.js';
import { propertiesOf, retrieve } from './soap/properties.js';
import { until } from './soap/tasks.js';
import type { ObjectRef, VimNode } from './soap/xml.js';

export const vmRef = ({ id }: Pick<SourceVm, 'id'>): ObjectRef => ({ type: 'VirtualMachine', id });

/** Reads properties of a VM. @throws VsphereFault `ManagedObjectNotFound` if the VM is gone */
export const vmProperties = (
  session: VsphereSession,
  vm: Pick<SourceVm, 'id'>,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, VimNode>> => propertiesOf(session, vmRef(vm), paths, signal);

const CONFIGURED = 'config.template';
const CONNECTION = 'runtime.connectionState';

/**
 * Reads properties of a VM, and makes sure that vSphere can read its configuration. Otherwise answers also omit optional properties
 * (snapshots, some devices), which would look as if the VM had none.
 *
 * @throws VsphereVmUnreadable; VsphereFault `ManagedObjectNotFound` if the VM is gone
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
 * Waits until all tasks on the VM have ended, so that the next read is reliable: an unfinished snapshot would seem missing but
 * appear later.
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
      // A task that the server no longer knows has ended; check the others again.
      if (isFault(error, 'ManagedObjectNotFound')) return undefined;
      throw error;
    }
  });
}
