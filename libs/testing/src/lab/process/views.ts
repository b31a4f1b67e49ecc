import type { LabSnapshot } from '../wire.js';
import type { Lab } from './lab.js';
import type { Machine } from './machine.js';
import { names } from './paths.js';

/** A VM as the API shows it. */
export function shown(lab: Lab, machine: Machine): unknown {
  const {
    workload: _w,
    behaviour: _b,
    changesKept: _c,
    recordingSince: _r,
    login: _l,
    ...vm
  } = machine.record;
  return {
    ...vm,
    disks: vm.disks.map((disk, index) => ({ ...disk, file: machine.paths.disk(index) })),
    snapshots: vm.snapshots.map((snapshot) => shownSnapshot(machine, snapshot)),
    guestUp: machine.guest?.isUp === true,
    runningTasks: lab.tasks.runningOn(vm.id),
  };
}

/** A snapshot as the API shows it, with where each of its disks is read. */
export function shownSnapshot(
  machine: Machine,
  { name, number, createdAt, changeId, broken }: LabSnapshot,
): unknown {
  const disks = machine.record.disks.map(({ id, capacityBytes }, index) => ({
    id,
    capacityBytes,
    changeId,
    nbd: { socket: machine.paths.nbdSocket, exportName: names.snapshotExport(number, index) },
  }));
  return { id: `${machine.record.instance}/s${number}`, name, createdAt, broken, disks };
}
