import { z } from 'zod';

/** What the lab takes, keeps and writes: the one definition for the process, its tests and its judges. */

export const LabNic = z.object({
  id: z.string(),
  name: z.string(),
  network: z.string(),
  mac: z.string().optional(),
  model: z.enum(['e1000', 'e1000e', 'vmxnet3', 'virtio']).default('vmxnet3'),
  connected: z.boolean().default(true),
});

export const LabDisk = z.object({
  id: z.string().regex(/^[a-z0-9-]{1,20}$/),
  name: z.string().default('disk'),
  capacityBytes: z.int().min(65536).multipleOf(512),
  storage: z.string().default('datastore1'),
  bus: z.enum(['scsi', 'sata', 'ide', 'nvme', 'virtio']).default('scsi'),
  controller: z.int().min(0).default(0),
  unit: z.int().min(0).default(0),
  shared: z.boolean().default(false),
  /** What its first bytes are made from. */
  seed: z.int().default(1),
  /** Share of its pieces that hold data at first. */
  filled: z.number().min(0).max(1).default(0.25),
  /** An image to begin with instead. */
  from: z.object({ path: z.string(), format: z.enum(['raw', 'qcow2']) }).optional(),
});

/** Each round writes a stamp (the round's number) and one random block to every disk, the disks in order. */
export const LabWorkload = z.object({
  /** 0: nothing is written. */
  roundsPerSecond: z.number().min(0).max(5000).default(50),
  blockBytes: z.int().min(512).multipleOf(512).default(4096),
  regionOffset: z.int().min(0).multipleOf(4096).default(0),
  /** By default all that lies after the offset. */
  regionBytes: z.int().min(8192).optional(),
  seed: z.int().default(1),
});

export const LabBehaviour = z.object({
  powerOnMs: z.int().min(0).default(0),
  shutdownMs: z.int().min(0).default(20),
  ignoresShutdown: z.boolean().default(false),
  snapshotMs: z.int().min(0).default(0),
  removeSnapshotMs: z.int().min(0).default(0),
  /** What becomes of a VM that was on when the lab was killed. */
  afterCrash: z.enum(['off', 'on']).default('off'),
});

export const LabVmSpec = z.object({
  id: z
    .string()
    .regex(/^[a-z0-9-]{1,24}$/)
    .optional(),
  name: z.string().min(1),
  folder: z.string().default('/vms'),
  tags: z.array(z.string()).default([]),
  host: z.string().default('host1'),
  cpus: z.int().min(1).default(1),
  memoryBytes: z
    .int()
    .min(1)
    .default(256 * 1024 * 1024),
  firmware: z.enum(['bios', 'efi']).default('bios'),
  secureBoot: z.boolean().default(false),
  tpm: z.boolean().default(false),
  os: z
    .object({
      id: z.string(),
      description: z.string(),
      family: z.enum(['linux', 'windows', 'other', 'unknown']),
    })
    .default({ id: 'debian12_64Guest', description: 'Debian GNU/Linux 12', family: 'linux' }),
  nics: z.array(LabNic).default([]),
  disks: z.array(LabDisk).min(1),
  workload: LabWorkload.prefault({}),
  behaviour: LabBehaviour.prefault({}),
  /** `qemu`: a real machine, whose guest itself writes. */
  engine: z.enum(['storage-daemon', 'qemu']).default('storage-daemon'),
  /** How its serial console is logged in to; then the guest can be told things, and be shut down. */
  login: z.object({ user: z.string(), password: z.string() }).optional(),
  changeTracking: z.boolean().default(true),
});
export type LabVmSpec = z.infer<typeof LabVmSpec>;
/** What a test gives: what has a default may be left out. */
export type LabVmRequest = z.input<typeof LabVmSpec>;

export const LabSnapshot = z.object({
  name: z.string(),
  number: z.int(),
  createdAt: z.string(),
  changeId: z.string().optional(),
  /** Layers a disk: each start of the engine adds one. */
  layers: z.int().min(1),
  /** Its daemon was killed with it open: what it kept may be lost. */
  broken: z.boolean().default(false),
});
export type LabSnapshot = z.infer<typeof LabSnapshot>;

/** What is kept of a VM in `vm.json`. */
export const LabVmRecord = LabVmSpec.extend({
  id: z.string(),
  power: z.enum(['on', 'off']),
  /** One VM that was made, also where another had its id before. */
  instance: z.string(),
  /** How often it was powered on. With the instance it names the moment that its disks stand for while it is off. */
  boots: z.int(),
  /** The change tracking's: another one makes every earlier change id void. */
  epoch: z.string(),
  /** Number of the latest snapshot that was ever made. */
  latest: z.int(),
  /** The bitmap that records now belongs to this snapshot. */
  recordingSince: z.int().optional(),
  /** Numbers of snapshots to whose successor the changes are kept. */
  changesKept: z.array(z.int()),
  snapshots: z.array(LabSnapshot),
});
export type LabVmRecord = z.infer<typeof LabVmRecord>;

export const JournalLine = z.object({
  time: z.string(),
  effect: z.enum([
    'lab-started',
    'lab-stopped',
    'vm-created',
    'vm-deleted',
    'power-on',
    'power-off',
    'power-lost',
    'shutdown-asked',
    'shutdown-ignored',
    'snapshot-created',
    'snapshot-removed',
    'snapshots-broken',
    'disk-written',
    'disk-exported',
    'cbt-reset',
    'nics-changed',
    'renamed',
    'tagged',
    'untagged',
    'fault',
  ]),
  vm: z.string().optional(),
  snapshot: z.string().optional(),
  disk: z.string().optional(),
  bytes: z.int().optional(),
  round: z.int().optional(),
  detail: z.string().optional(),
});
export type JournalLine = z.infer<typeof JournalLine>;

export const LabFault = z.object({
  /** A regular expression over `METHOD /path?query`. */
  match: z.string().default('.*'),
  times: z.int().min(1).default(1),
  /** Requests that match and are left alone before. */
  after: z.int().min(0).default(0),
  /** Whether the request's effect happens: `after` loses only the answer. */
  when: z.enum(['before', 'after']).default('before'),
  action: z.discriminatedUnion('do', [
    z.object({ do: z.literal('status'), status: z.int().min(400).max(599) }),
    z.object({ do: z.literal('cut') }),
    z.object({ do: z.literal('delay'), ms: z.int().min(1) }),
    /** `when: after`: the task does its work and says that it failed. */
    z.object({ do: z.literal('fail-task'), message: z.string() }),
  ]),
});
export type LabFault = z.infer<typeof LabFault>;
export type LabFaultRequest = z.input<typeof LabFault>;

export const LabTask = z.object({
  id: z.string(),
  kind: z.string(),
  vm: z.string(),
  state: z.enum(['running', 'succeeded', 'failed']),
  error: z.object({ code: z.string(), message: z.string() }).optional(),
});
export type LabTask = z.infer<typeof LabTask>;
