import type { SourceVm } from '@ledgerlift/contracts';
import { contentOf } from './disks/content.js';
import { VsphereAnswerMalformed, VsphereMomentUnknown } from './errors.js';
import type { VsphereSession } from './session.js';
import { vmRef } from './vm.js';

/**
 * Events that change a VM's disks: each begins a run of the VM, or replaces its data. Servers accept classes in either form. A
 * revert has no class in vim25: it is an EventEx, filtered by its own id (vim.event.EventEx.eventTypeId). For an unknown id,
 * vCenter silently finds nothing, and the simulator returns an error.
 */
const RUNS = [
  ...[
    'VmStartingEvent',
    'VmPoweredOnEvent',
    'DrsVmPoweredOnEvent',
    'VmRestartedOnAlternateHostEvent',
    'VmResumingEvent',
  ].flatMap((name) => [name, `vim.event.${name}`]),
  'com.vmware.vc.vm.VmStateRevertedToSnapshot',
];

/**
 * Identifies the moment that a powered-off VM's disks represent. It changes each time the VM has run or was reverted (ADR 20). No
 * property of a VM shows that once it is off again (`runtime.bootTime` is cleared, `config.changeVersion` also changes with every
 * snapshot). A vCenter keeps events in its database, so this asks for the last one that began a run. If there is none, or on a
 * host without a vCenter, which forgets a VM's events at power-off, it reads the disks' content ids, which change with writes.
 *
 * @throws VsphereMomentUnknown if nothing proves it; errors of a call
 */
export async function momentOf(session: VsphereSession, vm: SourceVm, signal: AbortSignal): Promise<string> {
  const { apiType, instanceUuid } = await session.content(signal);
  const isVcenter = apiType === 'VirtualCenter';
  const run = isVcenter ? await lastRun(session, vm, signal) : undefined;
  const of = (what: string): string => `${instanceUuid}/${vm.id}/${what}`;
  if (run !== undefined) return of(`run-${run}`);
  try {
    return of(`content-${await contentOf(session, vm, signal)}`);
  } catch (error) {
    // A vCenter keeps events for weeks, so having none proves that the VM has not run for that long.
    if (isVcenter && error instanceof VsphereMomentUnknown) return of('run-0');
    throw error;
  }
}

/** Returns the key of the event that began the VM's last run; undefined if vCenter has none, or no longer has it. */
async function lastRun(
  session: VsphereSession,
  vm: SourceVm,
  signal: AbortSignal,
): Promise<number | undefined> {
  const { eventManager } = await session.content(signal);
  if (eventManager === undefined) {
    throw new VsphereAnswerMalformed(session.connection.server, 'QueryEvents', 'it has no event manager');
  }
  const filter = {
    entity: { entity: vmRef(vm), recursion: 'self' },
    disableFullMessage: true,
    eventTypeId: RUNS,
  };
  const answer = await session.call('QueryEvents', eventManager, { filter }, { signal });
  const keys = answer.list('returnval').flatMap((event) => event.numberAt('key') ?? []);
  return keys.length === 0 ? undefined : Math.max(...keys);
}
