import { z } from 'zod';
import { PowerState } from './inventory.js';

/** `external` is any other system, which answers a hook of kind `event`. */
export const ServiceName = z.enum(['transfer', 'converter', 'vm-creator', 'external']);
export type ServiceName = z.infer<typeof ServiceName>;

/** The six phases that users see. */
export const Phase = z.enum([
  'planning',
  'preparation',
  'disk-transfer',
  'conversion',
  'vm-creation',
  'cutover',
]);
export type Phase = z.infer<typeof Phase>;

/** Steps have Forklift's names where Forklift has them. */
export const StepName = z.enum([
  'Initialize',
  'PreHook',
  'DiskAllocation',
  'SnapshotCreation',
  'PreflightInspection',
  'SnapshotRemoval',
  'DiskTransfer',
  'CutoverHook',
  'SourcePowerOff',
  'ImageConversion',
  'ImageCommit',
  'VirtualMachineCreation',
  'FinalPowerActions',
  'BootProof',
  'PostHook',
  // Steps of a test boot, between two rounds.
  'TestConversion',
  'TestBoot',
  // Steps of the end, whatever the outcome; never part of an itinerary.
  'TargetPowerOff',
  'SourceRestoration',
  'SourcePowerOn',
  'SourceRetirement',
  'FailureHook',
  'Cleanup',
]);
export type StepName = z.infer<typeof StepName>;
/** Steps of the end, done once the outcome is decided, before and while resources are released. */
export const EndingStepName = StepName.extract([
  'TargetPowerOff',
  'SourceRestoration',
  'SourcePowerOn',
  'SourceRetirement',
  'FailureHook',
]);
export type EndingStepName = z.infer<typeof EndingStepName>;

export const ResourceLifetime = z.enum([
  /** Scratch: removed after success and after failure. */
  'temporary',
  /** What a retry continues from: removed after success, kept after failure. */
  'resume',
  /** Logs: kept after success and failure. */
  'evidence',
  /** The target itself: kept after success and failure. */
  'result',
]);
/** Something that we make outside. Its name is deterministic, so that a later attempt finds it. */
export const Resource = z.object({
  kind: z.enum([
    'folder',
    'disk',
    'chunk-manifest',
    'writer-record',
    'overlay',
    'commit-marker',
    'unpacked-disk',
    'manifest',
    'virtual-machine',
    'worker-pod',
    'credential',
    'scratch',
    'log',
    'snapshot',
    'source-tag',
  ]),
  /**
   * In a directory: the path relative to the target's root. In a cluster: namespace and name. For a snapshot or tag: its name
   * at the source.
   */
  name: z.string().min(1),
  /** The service that removes it. */
  service: ServiceName,
  lifetime: ResourceLifetime,
});
export type Resource = z.infer<typeof Resource>;
/** Ledger key of a resource. */
export const resourceKey = (resource: Pick<Resource, 'kind' | 'name'>): string =>
  `${resource.kind}:${resource.name}`;

/**
 * The part of a migration to which a step belongs. `main` steps are done once, in order. A warm VM repeats `precopy`, does `test`
 * when a test boot is requested, and `cutover` at the end, then the `main` steps after it.
 */
export const ItineraryPart = z.enum(['main', 'precopy', 'test', 'cutover']);
export type ItineraryPart = z.infer<typeof ItineraryPart>;

export const ItineraryStep = z.object({
  step: StepName.exclude(['Cleanup', ...EndingStepName.options]),
  phase: Phase,
  service: ServiceName,
  site: z.string(),
  part: ItineraryPart,
  /** Name of the plan's hook that the step runs. */
  hook: z.string().optional(),
  /**
   * Resources to claim in the log together with the first request of the step, before anything is made. `{round}` in a name
   * stands for the number of the round.
   */
  claims: z.array(Resource),
});
export type ItineraryStep = z.infer<typeof ItineraryStep>;

/** One point in time over all disks of a VM, as its provider made it. */
export const Snapshot = z.object({
  /** Our name for it. */
  name: z.string().min(1),
  /** The provider's id for it. */
  id: z.string().min(1),
  momentId: z.string().min(1),
  createdAt: z.iso.datetime(),
  /** From the snapshot's own configuration. Changes since the snapshot can be queried by the change id. */
  disks: z.array(
    z.object({
      diskId: z.string(),
      changeId: z.string().optional(),
      /** Absent if a disk cannot grow during its migration. */
      capacityBytes: z.int().min(0).optional(),
    }),
  ),
});
export type Snapshot = z.infer<typeof Snapshot>;

/** What a `DiskTransfer` reads: the round, and the moment of the source. */
export const TransferPass = z.object({
  kind: z.enum(['cold', 'full', 'delta', 'final']),
  round: z.int().min(0),
  /** Absent if the VM is off, and is read directly. */
  snapshot: Snapshot.optional(),
});
export type TransferPass = z.infer<typeof TransferPass>;

/**
 * What a resumed transfer may trust: the flushed data of one moment of the source. The chunk manifest beside the disk lists the
 * chunks with their hashes; the checkpoint has only the manifest's digest (ADR 21), so that its size does not depend on the disk.
 * Checkpoints of older versions also list the chunks as `ranges`, which no code reads.
 */
export const DiskCheckpoint = z.object({
  diskId: z.string(),
  /** One moment of the source: a snapshot, or one power-off. */
  momentId: z.string(),
  /** Queries the changes since that moment, so that a later moment can continue from this checkpoint. */
  changeId: z.string().optional(),
  bytesDone: z.int().min(0),
  bytesTotal: z.int().min(0),
  manifestDigest: z.string(),
});
export type DiskCheckpoint = z.infer<typeof DiskCheckpoint>;

/** The way in which a disk was read, of those that the source offers. */
export const DiskWay = z.object({
  /** The way, such as `vddk`, `datastore` or `nfc`. */
  kind: z.string().min(1),
  /** Why this way, and why no better one. */
  why: z.string(),
});
export type DiskWay = z.infer<typeof DiskWay>;

export const DiskResult = z.object({
  diskId: z.string(),
  name: z.string(),
  size: z.int().min(0),
  digest: z.string(),
  bytesRead: z.int().min(0),
  bytesWritten: z.int().min(0),
  bytesZeroed: z.int().min(0),
  resumed: z.string(),
  verified: z.enum(['none', 'written', 'full']),
  /** Absent if its source can be read in one way only. */
  way: DiskWay.optional(),
});
export type DiskResult = z.infer<typeof DiskResult>;

/** What virt-v2v found in the guest. */
export const Inspection = z.object({
  osName: z.string(),
  osProduct: z.string(),
  osVersion: z.string(),
  arch: z.string(),
  family: z.enum(['linux', 'windows', 'other', 'unknown']),
  rootDevice: z.string(),
  firmware: z.enum(['bios', 'efi']),
  bootDisk: z.int().min(0),
});
export type Inspection = z.infer<typeof Inspection>;

/** Which devices the converted guest has drivers for. */
export const GuestCapabilities = z.object({
  diskBus: z.enum(['virtio', 'sata']),
  nicModel: z.enum(['virtio', 'e1000e']),
  rng: z.boolean(),
  balloon: z.boolean(),
});
export type GuestCapabilities = z.infer<typeof GuestCapabilities>;

export const StepResult = z.discriminatedUnion('step', [
  z.object({
    step: z.literal('Initialize'),
    powerState: z.enum(['on', 'off', 'suspended', 'unknown']),
    fingerprint: z.string(),
    /** Ids of the connected NICs, if the source will lose them at the end. */
    connectedNics: z.array(z.string()).optional(),
  }),
  z.object({
    step: z.literal('SourcePowerOff'),
    momentId: z.string(),
    /** How the source went off: it was off, its guest shut down, or it was powered off after the time limit. */
    how: z.enum(['was-off', 'shut-down', 'forced']).default('was-off'),
  }),
  z.object({ step: z.literal('SnapshotCreation'), snapshot: Snapshot }),
  z.object({
    step: z.literal('PreflightInspection'),
    log: z.string(),
    /** Absent if the findings may result from the guest running, so that only its conversion can tell. */
    inspection: Inspection.optional(),
  }),
  z.object({ step: z.literal('SnapshotRemoval'), removed: z.array(z.string()) }),
  z.object({
    step: z.literal('DiskAllocation'),
    disks: z.array(z.object({ diskId: z.string(), name: z.string(), size: z.int() })),
  }),
  z.object({
    step: z.literal('DiskTransfer'),
    disks: z.array(DiskResult),
    pass: TransferPass.pick({ kind: true, round: true }).default({ kind: 'cold', round: 0 }),
  }),
  z.object({
    step: z.literal('ImageConversion'),
    inspection: Inspection,
    capabilities: GuestCapabilities,
    overlays: z.array(z.string()),
    log: z.string(),
  }),
  z.object({ step: z.literal('ImageCommit'), disks: z.array(z.string()) }),
  z.object({ step: z.literal('VirtualMachineCreation'), files: z.array(z.string()) }),
  z.object({ step: z.literal('FinalPowerActions'), sourcePowerState: z.string(), target: z.string() }),
  z.object({
    step: z.literal('BootProof'),
    booted: z.boolean(),
    seconds: z.number(),
    evidence: z.string(),
    log: z.string(),
  }),
  z.object({
    step: z.literal(['PreHook', 'CutoverHook', 'PostHook', 'FailureHook']),
    hook: z.string(),
    /** The end of its output, its response, or the report of the other system. */
    said: z.string().max(4096),
  }),
  z.object({
    step: z.literal('TestConversion'),
    overlays: z.array(z.string()),
    /** Empty if nothing was converted. */
    log: z.string(),
    inspection: Inspection.optional(),
    capabilities: GuestCapabilities.optional(),
  }),
  z.object({
    step: z.literal('TestBoot'),
    booted: z.boolean(),
    seconds: z.number(),
    evidence: z.string(),
    log: z.string(),
    /** Name of the snapshot that was booted. */
    moment: z.string(),
  }),
  z.object({ step: z.literal('TargetPowerOff') }),
  z.object({ step: z.literal('SourcePowerOn'), powerState: PowerState }),
  z.object({ step: z.literal('SourceRetirement'), did: z.array(z.string()) }),
  /** The retirement was undone. */
  z.object({ step: z.literal('SourceRestoration'), did: z.array(z.string()) }),
  z.object({ step: z.literal('Cleanup') }),
]);
export type StepResult = z.infer<typeof StepResult>;

export const StepError = z.object({
  code: z.string(),
  message: z.string(),
  class: z.enum(['transient', 'permanent', 'needs-operator']),
  field: z.string().optional(),
  /** The step had no effect yet; without this field, it may have had. */
  effect: z.literal('none').optional(),
});
export type StepError = z.infer<typeof StepError>;

/** How a resource ended: removed by us, or found absent. */
export const Release = z.object({ resource: Resource, how: z.enum(['removed', 'absent']) });
export type Release = z.infer<typeof Release>;

export const StepOutcome = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('completed'), result: StepResult }),
  z.object({ kind: z.literal('failed'), error: StepError }),
  /** The attempt stopped when told to. Its progress is in its checkpoints. */
  z.object({ kind: z.literal('stopped'), reason: z.string() }),
  /** The source ran after its power-off, so the copied data is out of date. */
  z.object({ kind: z.literal('source-ran'), reason: z.string() }),
  /** The snapshot being read is gone, perhaps with its host: another is needed. */
  z.object({ kind: z.literal('snapshot-lost'), reason: z.string() }),
]);
export type StepOutcome = z.infer<typeof StepOutcome>;
