import { z } from 'zod';
import { PowerState } from './inventory.js';

/** `external` is any other system: it takes part in a hook that is answered by an event. */
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

/** Steps keep Forklift's names where they exist there. */
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
  // Of a test boot, between two passes.
  'TestConversion',
  'TestBoot',
  // At the end, whichever it is; never part of an itinerary.
  'TargetPowerOff',
  'SourceRestoration',
  'SourcePowerOn',
  'SourceRetirement',
  'FailureHook',
  'Cleanup',
]);
export type StepName = z.infer<typeof StepName>;
/** Steps of the end: what is done once the outcome is decided, before and while resources are released. */
export const EndingStepName = StepName.extract([
  'TargetPowerOff',
  'SourceRestoration',
  'SourcePowerOn',
  'SourceRetirement',
  'FailureHook',
]);
export type EndingStepName = z.infer<typeof EndingStepName>;

export const ResourceLifetime = z.enum([
  /** Scratch: gone after success and after failure. */
  'temporary',
  /** What a retry goes on from: gone after success, kept after failure. */
  'resume',
  /** Logs: kept after success and failure. */
  'evidence',
  /** What the user wanted: kept after success and failure. */
  'result',
]);
/** Something that we make outside. Its name is deterministic, so that whoever comes later finds it. */
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
   * Directory target: the path relative to the target's root. In a cluster: namespace and name. A snapshot, a tag: its name at
   * the source.
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
 * Where in its migration a step stands. `main` steps are done once, in order. A warm VM goes through `precopy` again and
 * again, through `test` when a test boot is asked for, and through `cutover` at the end; then the `main` steps after it.
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
   * Claimed in the log together with the first request of the step, before anything is made. `{round}` in a name stands
   * for the number of the pass.
   */
  claims: z.array(Resource),
});
export type ItineraryStep = z.infer<typeof ItineraryStep>;

/** One point in time over all disks of a VM, as its provider made it. */
export const Snapshot = z.object({
  /** The name that we gave it. */
  name: z.string().min(1),
  /** How the provider calls it. */
  id: z.string().min(1),
  momentId: z.string().min(1),
  createdAt: z.iso.datetime(),
  /** From the snapshot's own configuration: what changed since it may be asked for by this id. */
  disks: z.array(
    z.object({
      diskId: z.string(),
      changeId: z.string().optional(),
      /** Left out where a disk cannot grow while it is migrated. */
      capacityBytes: z.int().min(0).optional(),
    }),
  ),
});
export type Snapshot = z.infer<typeof Snapshot>;

/** What a `DiskTransfer` is to read: of which pass, and from which moment of the source. */
export const TransferPass = z.object({
  kind: z.enum(['cold', 'full', 'delta', 'final']),
  round: z.int().min(0),
  /** None: the VM is off, and is read as it is. */
  snapshot: Snapshot.optional(),
});
export type TransferPass = z.infer<typeof TransferPass>;

/**
 * What a resumed transfer may trust: what was flushed, in which moment of the source, with which chunk hashes. Which chunks
 * these are stands in the chunk manifest beside the disk, and the checkpoint names it by its digest (ADR 21): so its size
 * does not depend on the disk. Checkpoints of older versions list the chunks, too, as `ranges`; nobody reads them.
 */
export const DiskCheckpoint = z.object({
  diskId: z.string(),
  /** One moment of the source: a snapshot, or one power-off. */
  momentId: z.string(),
  /** What changed since that moment may be asked for by it: so another moment may go on from this checkpoint. */
  changeId: z.string().optional(),
  bytesDone: z.int().min(0),
  bytesTotal: z.int().min(0),
  manifestDigest: z.string(),
});
export type DiskCheckpoint = z.infer<typeof DiskCheckpoint>;

/** In which of the ways that a source offers a disk was read. */
export const DiskWay = z.object({
  /** Such as `vddk`, `datastore` or `nfc`. */
  kind: z.string().min(1),
  /** Why in this way, and why in none that would have been better. */
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
  /** None: its source can be read in one way only. */
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
    /** Ids of the NICs that were connected, where the source is to lose them at the end. */
    connectedNics: z.array(z.string()).optional(),
  }),
  z.object({
    step: z.literal('SourcePowerOff'),
    momentId: z.string(),
    /** How the guest went: it was off, shut down by itself, or was powered off when its time was over. */
    how: z.enum(['was-off', 'shut-down', 'forced']).default('was-off'),
  }),
  z.object({ step: z.literal('SnapshotCreation'), snapshot: Snapshot }),
  z.object({
    step: z.literal('PreflightInspection'),
    log: z.string(),
    /** None: what was found may come of the guest's running, so that only its conversion will tell. */
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
    /** The end of its output, its answer, or what the other system reported. */
    said: z.string().max(4096),
  }),
  z.object({
    step: z.literal('TestConversion'),
    overlays: z.array(z.string()),
    /** Empty where nothing was converted. */
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
    /** Name of the snapshot whose content was booted. */
    moment: z.string(),
  }),
  z.object({ step: z.literal('TargetPowerOff') }),
  z.object({ step: z.literal('SourcePowerOn'), powerState: PowerState }),
  z.object({ step: z.literal('SourceRetirement'), did: z.array(z.string()) }),
  /** What a retirement did is undone. */
  z.object({ step: z.literal('SourceRestoration'), did: z.array(z.string()) }),
  z.object({ step: z.literal('Cleanup') }),
]);
export type StepResult = z.infer<typeof StepResult>;

export const StepError = z.object({
  code: z.string(),
  message: z.string(),
  class: z.enum(['transient', 'permanent', 'needs-operator']),
  field: z.string().optional(),
  /** The step had not yet done what it is for; without it, it may have. */
  effect: z.literal('none').optional(),
});
export type StepError = z.infer<typeof StepError>;

/** How a resource ended: taken away by us, or found already gone. */
export const Release = z.object({ resource: Resource, how: z.enum(['removed', 'absent']) });
export type Release = z.infer<typeof Release>;

export const StepOutcome = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('completed'), result: StepResult }),
  z.object({ kind: z.literal('failed'), error: StepError }),
  /** It was told to stop, and did: what it had reached is in its checkpoints. */
  z.object({ kind: z.literal('stopped'), reason: z.string() }),
  /** The source ran since it was powered off: what was copied of it is not what it holds. */
  z.object({ kind: z.literal('source-ran'), reason: z.string() }),
  /** What was being read is gone, with its host perhaps: another snapshot is needed. */
  z.object({ kind: z.literal('snapshot-lost'), reason: z.string() }),
]);
export type StepOutcome = z.infer<typeof StepOutcome>;
