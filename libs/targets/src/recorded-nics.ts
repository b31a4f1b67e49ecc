import type { VmRecord } from '@ledgerlift/contracts';
import type { VmAtTarget } from './plan.js';

/** The NICs of a VM as they are recorded: one whose network is not mapped, or ignored, is left out of the target. Pure. */
export function recordedNics({ vm, networkOf }: VmAtTarget): VmRecord['nics'] {
  return vm.nics.map((nic, index) => {
    const destination = networkOf[index]?.destination;
    const network = destination === undefined || destination.type === 'ignored' ? null : destination;
    return { nicId: nic.id, ...(nic.mac === undefined ? {} : { mac: nic.mac }), network };
  });
}
