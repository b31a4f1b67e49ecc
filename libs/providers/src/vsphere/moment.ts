import type { SourceVm } from '@ledgerlift/contracts';
import { contentOf } from './disks/content.js';
import { VsphereAnswerMalformed, VsphereMomentUnknown } from './errors.js';
import type { VsphereSession } from './session.js';
import { vmRef } from './vm.js';

/**
 * Events after which a VM's disks are no longer what they were: each begins a run of the VM, or gives it other bytes.
 * Servers take classes in either form. A revert has no class in vim25: it is an EventEx, filtered by its own id
 * (vim.event.EventEx.eventTypeId). vCenter finds nothing by an id that it does not know, and says no word of it; the
 * simulator refuses one.
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
 * The moment that a VM's disks stand for while it is off: another one each time it has run or was reverted (ADR 20). No
 * property of a VM tells that once it is off again (`runtime.bootTime` is cleared, `config.changeVersion` moves with every
 * snapshot, too). A vCenter keeps events in its database, and is asked for the last one that began a run. Where it has
 * none, and on a host without a vCenter, which forgets a VM's events when the VM is powered off, the disks themselves are
 * asked: their content ids are others after they were written to.
 *
 * @throws VsphereMomentUnknown where nothing proves it; what a call throws
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
    // A vCenter keeps events for weeks: that it has none is a proof for as long as that.
    if (isVcenter && error instanceof VsphereMomentUnknown) return of('run-0');
    throw error;
  }
}

/** Key of the event that began the VM's last run; undefined where vCenter knows of none, or of none any more. */
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
