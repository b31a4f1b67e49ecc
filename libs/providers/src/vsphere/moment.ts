import type { SourceVm } from '@ledgerlift/contracts';
import { VsphereAnswerMalformed } from './errors.js';
import type { VsphereSession } from './session.js';
import { vmRef } from './vm.js';

/** Events after which a VM's disks are no longer what they were: each begins a run of the VM. Servers take either form. */
const RUNS = [
  'VmStartingEvent',
  'VmPoweredOnEvent',
  'DrsVmPoweredOnEvent',
  'VmRestartedOnAlternateHostEvent',
  'VmResumingEvent',
  'VmRevertedToSnapshotEvent',
].flatMap((name) => [name, `vim.event.${name}`]);

/**
 * The moment that a VM's disks stand for while it is off: another one each time it has run. No property of a VM tells
 * that once it is off again (`runtime.bootTime` is cleared, `config.changeVersion` moves with every snapshot, too), so the
 * history of vSphere is asked for its last run. Where that is forgotten, the moment is another one, and the last delta is
 * read again.
 *
 * @throws what a call throws
 */
export async function momentOf(session: VsphereSession, vm: SourceVm, signal: AbortSignal): Promise<string> {
  const { eventManager, instanceUuid } = await session.content(signal);
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
  return `${instanceUuid}/${vm.id}/run-${keys.length === 0 ? 0 : Math.max(...keys)}`;
}
