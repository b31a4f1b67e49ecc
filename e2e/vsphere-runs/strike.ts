import { setTimeout as delay } from 'node:timers/promises';
import type { FaultScript } from './script.js';
import type { World } from './world.js';

const MiB = 1024 * 1024;
/** Names of snapshots that are not ours. */
export const FOREIGN = 'nightly backup';
export const GONE_BACK_TO = 'before the patch';

/** What is done to the VM that is migrated, or to the vSphere around it. @param reverts when somebody else reverted it */
export async function strike(world: World, vm: string, fault: FaultScript, reverts: string[]): Promise<void> {
  const { vsphere } = world;
  switch (fault.kind) {
    case 'task-fails':
      return vsphere.fault({ method: fault.method, object: vm, as: 'task-error', fault: fault.fault });
    case 'call-fails':
      return vsphere.fault({ method: fault.method, as: 'fault', fault: fault.fault });
    case 'call-is-cut':
      return vsphere.fault({ method: fault.method, as: 'cut', after: fault.after });
    case 'call-is-slow':
      return vsphere.fault({ method: fault.method, as: 'delay', ms: fault.ms });
    case 'outage':
      return vsphere.outage(fault.ms);
    case 'session-ends':
      return vsphere.expireSessions();
    case 'tracking-is-reset':
      return vsphere.resetCbt(vm);
    case 'foreign-snapshot':
      return vsphere.snapshotOf(vm, FOREIGN).catch(() => undefined);
    case 'revert':
      // Of a VM that runs: what its owner does to a source that was given up is no business of ours.
      if ((await vsphere.vm(vm)).power !== 'poweredOn') return;
      // What it finds in the way (a task of ours, say) is told to whoever asked for it, and changes nothing.
      reverts.push(new Date().toISOString());
      await vsphere
        .snapshotOf(vm, GONE_BACK_TO)
        .then(() => vsphere.revert(vm, GONE_BACK_TO))
        .then(() => vsphere.powerOn(vm))
        .catch(() => undefined);
      return;
    case 'events-are-forgotten':
      return vsphere.forgetEvents();
    case 'storage-is-away':
      await vsphere.setStorage(vm, 'away');
      await delay(fault.ms);
      return vsphere.setStorage(vm, 'back');
    case 'disk-grows': {
      const { disks, power } = await vsphere.vm(vm);
      const [disk] = power === 'poweredOn' ? disks : [];
      return disk && vsphere.growDisk(vm, disk.key, disk.capacityBytes + MiB).catch(() => undefined);
    }
    case 'other-host': {
      const { host } = await vsphere.vm(vm);
      const other = ['DC0_C0_H0', 'DC0_C0_H1', 'DC0_C0_H2'].find((name) => name !== host) ?? host;
      return vsphere.vmotion(vm, other).catch(() => undefined);
    }
    case 'other-datastore':
      return vsphere.storageVmotion(vm, 'LocalDS_1').catch(() => undefined);
    case 'reading-is-cut':
      return vsphere.fault({ method: 'VDDK', as: 'cut', afterBytes: fault.afterBytes });
    case 'nbdkit-is-killed':
      world.killNbdkit();
      return;
    case 'worker-is-killed':
      return world.killed('transfer');
    case 'planner-is-killed':
      return world.killed('planner');
  }
}
