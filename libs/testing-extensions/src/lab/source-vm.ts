import { createHash } from 'node:crypto';
import type { Concern, Inventory, InventoryProblem, SourceDisk, SourceVm } from '@ledgerlift/contracts';
import { z } from 'zod';
import { type LabInventory, LabVm } from './answers.js';
import { LabAnswerMalformed } from './errors.js';

/** What the lab has. One VM that is not understood does not hide the others. */
export function inventoryOf(answer: z.infer<typeof LabInventory>, now: Date): Inventory {
  const vms: SourceVm[] = [];
  const problems: InventoryProblem[] = [];
  for (const [index, each] of answer.vms.entries()) {
    const { data, error } = LabVm.safeParse(each);
    if (data === undefined) problems.push(notUnderstood(`vms[${index}]`, each, error));
    else vms.push(sourceVm(data));
  }
  return {
    takenAt: now.toISOString(),
    vms,
    networks: answer.networks.map((name) => ({ id: name, name, description: '' })),
    storages: answer.storages.map((name) => ({ id: name, name })),
    problems,
  };
}

/** A VM of the lab, in the terms shared by every provider. */
export function sourceVm(vm: LabVm): SourceVm {
  const backing = { kind: 'extension', data: { vmId: vm.id } } as const;
  const disks = vm.disks.map((disk): SourceDisk => ({ ...disk, backing }));
  const nics = vm.nics.map(({ connected: _, mac, ...nic }) => ({
    ...nic,
    ...(mac === undefined ? {} : { mac }),
    kind: 'ethernet' as const,
  }));
  const hardware = {
    cpu: { count: vm.cpus, coresPerSocket: 1, affinity: [], hotAdd: false },
    memory: { bytes: vm.memoryBytes, hotAdd: false },
    firmware: vm.firmware,
    secureBoot: vm.secureBoot,
    tpm: vm.tpm,
    os: vm.os,
    disks,
    nics,
  };
  return {
    id: vm.id,
    name: vm.name,
    path: `${vm.folder === '/' ? '' : vm.folder}/${vm.name}`,
    powerState: vm.power,
    host: vm.host,
    folder: vm.folder,
    tags: vm.tags,
    changeTracking: vm.changeTracking ? 'on' : 'off',
    snapshots: vm.snapshots.map(({ name }) => name),
    ...hardware,
    exportedBy: 'lab',
    // Neither its name nor its power: both change while it is migrated, and nothing that is copied relies on them.
    fingerprint: fingerprintOf([vm.instance, hardware]),
    concerns: concernsOf(vm),
  };
}

function concernsOf({ changeTracking, disks }: LabVm): Concern[] {
  const concerns: Concern[] = [];
  if (!changeTracking)
    concerns.push({
      id: 'lab.changed_block_tracking.disabled',
      category: 'Warning',
      label: 'Changed block tracking is off',
      assessment:
        'Each pass of a warm migration reads all of its disks. Turn change tracking on at the source.',
    });
  for (const { name } of disks.filter(({ shared }) => shared))
    concerns.push({
      id: 'lab.disk.shared',
      category: 'Warning',
      label: `Disk '${name}' is shared`,
      assessment: 'Another VM may write to it while it is copied. Power off all that use it.',
    });
  return concerns;
}

const fingerprintOf = (what: unknown): string =>
  createHash('sha256').update(JSON.stringify(what)).digest('hex').slice(0, 16);

function notUnderstood(place: string, vm: unknown, error: z.ZodError): InventoryProblem {
  const named = z.object({ name: z.string() }).safeParse(vm).data?.name;
  const problem = new LabAnswerMalformed('GET /inventory', z.prettifyError(error));
  return { item: named ?? place, ...problem.details(), field: place };
}
