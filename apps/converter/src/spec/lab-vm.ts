import type { ProviderSpec, Snapshot, VmRecord } from '@ledgerlift/contracts';
import { registerProvider } from '@ledgerlift/providers';
import { snapshotName } from '@ledgerlift/targets';
import type { LabHypervisor, LabVmRequest } from '@ledgerlift/testing';
import { labProvider } from '@ledgerlift/testing-extensions';
import { openPlace, vmOf } from './vm.js';

/** A running lab VM with a snapshot, migrating into a directory. */
export interface LabVm {
  readonly id: string;
  readonly record: VmRecord;
  readonly snapshot: Snapshot;
}

export async function labVm(lab: LabHypervisor, root: string, request: LabVmRequest): Promise<LabVm> {
  const id = await lab.createVm(request);
  await lab.power(id, 'on');
  const spec: ProviderSpec = { name: 'lab', type: 'x-lab', sites: ['local'], settings: { url: lab.url } };
  registerProvider(labProvider);
  const vm = await labProvider.currentVm(spec, id);
  if (vm === undefined) throw new Error('the lab lost the VM');
  const base = vmOf({ root, disks: vm.disks.length, settings: { type: 'warm', inspect: true } });
  const disks = base.disks.map((disk, index) => ({ ...disk, diskId: vm.disks[index]?.id ?? '' }));
  const record = { ...base, disks, source: { provider: { id: 'src', spec }, vm } };
  const patience = { signal: new AbortController().signal, timeLimitMs: 60_000 };
  const snapshot = await labProvider.snapshots?.create(spec, vm, snapshotName(record, 0), patience);
  if (snapshot === undefined) throw new Error('the lab made no snapshot');
  await openPlace(record);
  return { id, record, snapshot };
}
