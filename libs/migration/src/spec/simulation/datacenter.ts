import type { SourceDisk, SourceVm } from '@ledgerlift/contracts';
import type { Chance } from '@ledgerlift/testing';

/** Hosts of the simulated VMs; their disks are on the storages. */
export const hosts = ['a', 'b'] as const;
export const storages = ['A', 'B'] as const;

/** The VM on one of the hosts, with up to three disks on the storages. */
export const somewhere = (vm: SourceVm, chance: Chance): SourceVm => ({
  ...vm,
  host: chance.pick(hosts),
  disks: Array.from({ length: chance.below(4) }, (_, unit) => diskOn(chance.pick(storages), unit)),
});

export const diskOn = (storage: string, unit: number): SourceDisk => ({
  id: `d${unit}`,
  name: `disk-${unit}`,
  capacityBytes: 1,
  storage,
  bus: 'scsi',
  controller: 0,
  unit,
  shared: false,
  backing: { kind: 'extension', data: { vmId: 'vm-1' } },
});
