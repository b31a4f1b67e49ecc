import { z } from 'zod';

/** What the lab's API answers, as far as it matters here. */

const Nbd = z.object({ socket: z.string().min(1), exportName: z.string().min(1) });
export const NbdExport = Nbd;

export const LabTask = z.object({
  id: z.string(),
  kind: z.string(),
  state: z.enum(['running', 'succeeded', 'failed']),
  error: z.object({ code: z.string(), message: z.string() }).optional(),
});
export type LabTask = z.infer<typeof LabTask>;

export const LabSnapshot = z.object({
  id: z.string().min(1),
  name: z.string(),
  createdAt: z.iso.datetime(),
  broken: z.boolean(),
  disks: z.array(z.object({ id: z.string(), changeId: z.string().optional(), nbd: Nbd })),
});
export type LabSnapshot = z.infer<typeof LabSnapshot>;

export const LabVm = z.object({
  id: z.string().min(1),
  instance: z.string().min(1),
  boots: z.int().min(0),
  name: z.string().min(1),
  folder: z.string(),
  host: z.string(),
  tags: z.array(z.string()),
  power: z.enum(['on', 'off']),
  cpus: z.int().min(1),
  memoryBytes: z.int().min(1),
  firmware: z.enum(['bios', 'efi']),
  secureBoot: z.boolean(),
  tpm: z.boolean(),
  os: z.object({
    id: z.string(),
    description: z.string(),
    family: z.enum(['linux', 'windows', 'other', 'unknown']),
  }),
  changeTracking: z.boolean(),
  nics: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      network: z.string(),
      mac: z.string().optional(),
      model: z.enum(['e1000', 'e1000e', 'vmxnet3', 'virtio']),
      connected: z.boolean(),
    }),
  ),
  disks: z.array(
    z.object({
      id: z.string().min(1),
      name: z.string(),
      capacityBytes: z.int().min(0),
      storage: z.string(),
      bus: z.enum(['scsi', 'sata', 'ide', 'nvme', 'virtio']),
      controller: z.int().min(0),
      unit: z.int().min(0),
      shared: z.boolean(),
    }),
  ),
  snapshots: z.array(LabSnapshot),
  runningTasks: z.array(LabTask),
});
export type LabVm = z.infer<typeof LabVm>;

export const LabInventory = z.object({
  vms: z.array(z.unknown()),
  networks: z.array(z.string()),
  storages: z.array(z.string()),
});

export const Changes = z.object({
  extents: z.array(z.tuple([z.int().min(0), z.int().min(1)])),
});

export const Refusal = z.object({ error: z.object({ code: z.string(), message: z.string() }) });
export const Nothing = z.unknown();
