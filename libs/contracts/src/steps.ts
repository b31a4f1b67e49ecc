import { z } from 'zod';
import { Condition } from './conditions.js';

export const ServiceName = z.enum(['transfer', 'converter', 'vm-creator']);
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

/** Steps keep Forklift's names where they exist there. `Cleanup` is never part of an itinerary. */
export const StepName = z.enum([
  'Initialize',
  'SourcePowerOff',
  'DiskAllocation',
  'DiskTransfer',
  'ImageConversion',
  'ImageCommit',
  'VirtualMachineCreation',
  'FinalPowerActions',
  'BootProof',
  'Cleanup',
]);
export type StepName = z.infer<typeof StepName>;

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
    'log',
  ]),
  /** Directory target: the path relative to the target's root. */
  name: z.string().min(1),
  /** The service that removes it. */
  service: ServiceName,
  lifetime: ResourceLifetime,
});
export type Resource = z.infer<typeof Resource>;
/** Ledger key of a resource. */
export const resourceKey = (resource: Pick<Resource, 'kind' | 'name'>): string =>
  `${resource.kind}:${resource.name}`;

export const ItineraryStep = z.object({
  step: StepName.exclude(['Cleanup']),
  phase: Phase,
  service: ServiceName,
  site: z.string(),
  /** Claimed in the log together with the first request of the step, before anything is made. */
  claims: z.array(Resource),
});
export type ItineraryStep = z.infer<typeof ItineraryStep>;

export const ByteRange = z.object({ offset: z.int().min(0), length: z.int().min(1) });

/** What a resumed transfer may trust: what was flushed, in which moment of the source, with which chunk hashes. */
export const DiskCheckpoint = z.object({
  diskId: z.string(),
  /** One moment of the source: a snapshot, or one power-off. */
  momentId: z.string(),
  ranges: z.array(ByteRange),
  bytesDone: z.int().min(0),
  bytesTotal: z.int().min(0),
  manifestDigest: z.string(),
});
export type DiskCheckpoint = z.infer<typeof DiskCheckpoint>;

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
  }),
  z.object({ step: z.literal('SourcePowerOff'), momentId: z.string() }),
  z.object({
    step: z.literal('DiskAllocation'),
    disks: z.array(z.object({ diskId: z.string(), name: z.string(), size: z.int() })),
  }),
  z.object({ step: z.literal('DiskTransfer'), disks: z.array(DiskResult) }),
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
  z.object({ step: z.literal('Cleanup') }),
]);
export type StepResult = z.infer<typeof StepResult>;

export const StepError = z.object({
  code: z.string(),
  message: z.string(),
  class: z.enum(['transient', 'permanent', 'needs-operator']),
  field: z.string().optional(),
});
export type StepError = z.infer<typeof StepError>;

/** How a resource ended: taken away by us, or found already gone. */
export const Release = z.object({ resource: Resource, how: z.enum(['removed', 'absent']) });
export type Release = z.infer<typeof Release>;

export const StepOutcome = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('completed'), result: StepResult }),
  z.object({ kind: z.literal('failed'), error: StepError }),
]);
export type StepOutcome = z.infer<typeof StepOutcome>;

export const StepConditions = z.array(Condition);
