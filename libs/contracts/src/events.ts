import { z } from 'zod';
import { Condition } from './conditions.js';
import { Inventory, PowerState, SourceVm } from './inventory.js';
import {
  DirectorySettings,
  MappingSpec,
  PlanSpec,
  ProviderSpec,
  RetryPolicy,
  TargetPowerState,
  VerifyMode,
} from './specs.js';
import {
  DiskCheckpoint,
  ItineraryStep,
  Release,
  Resource,
  ServiceName,
  StepError,
  StepName,
  StepResult,
} from './steps.js';

/**
 * Every event that may stand in the log, by its type. The key is the event's type, in the past tense; `version`
 * grows when the shape of `data` changes, and an upcaster then reads the older ones. This file is where an event
 * is defined, and the only place.
 */

export const TargetRecord = z.object({
  providerId: z.string(),
  type: z.literal('directory'),
  name: z.string(),
  settings: DirectorySettings,
});

/** Network and storage as resolved at the start for one VM; `null` network: the NIC is left out. */
export const TargetNic = z.object({
  nicId: z.string(),
  mac: z.string().optional(),
  network: z
    .discriminatedUnion('type', [
      z.object({ type: z.literal('pod') }),
      z.object({ type: z.literal('multus'), name: z.string(), namespace: z.string().optional() }),
    ])
    .nullable(),
});
export const TargetDisk = z.object({
  diskId: z.string(),
  /** Path of the disk file relative to the target's root. */
  name: z.string(),
  pvcName: z.string(),
  storageClass: z.string(),
  accessMode: z.enum(['ReadWriteOnce', 'ReadWriteMany', 'ReadOnlyMany']),
  volumeMode: z.enum(['Filesystem', 'Block']),
  format: z.enum(['raw', 'qcow2']),
});

/** All that one VM's migration needs to know, as it was resolved when the migration started. */
export const VmRecord = z.object({
  installation: z.string(),
  migrationId: z.string(),
  planId: z.string(),
  planName: z.string(),
  index: z.int().min(0),
  source: z.object({ provider: z.object({ id: z.string(), spec: ProviderSpec }), vm: SourceVm }),
  target: TargetRecord,
  targetName: z.string(),
  targetNamespace: z.string(),
  /** Folder of the VM relative to the target's root. */
  folder: z.string(),
  nics: z.array(TargetNic),
  disks: z.array(TargetDisk),
  labels: z.record(z.string(), z.string()),
  powerState: TargetPowerState,
  settings: z.object({
    type: z.enum(['cold']),
    skipGuestConversion: z.boolean(),
    useCompatibilityMode: z.boolean(),
    verify: VerifyMode,
    bootProof: z.boolean(),
    rootDisk: z.string().optional(),
    bandwidthLimit: z.int().optional(),
    retry: RetryPolicy,
    powerOnSourceAfterFailure: z.boolean(),
  }),
});
export type VmRecord = z.infer<typeof VmRecord>;

const attempt = { step: StepName, attempt: z.int().min(1), service: ServiceName, site: z.string() };
const ofAttempt = { step: StepName, attempt: z.int().min(1) };
/** Number of the worker's report that led to the event; 0 where the planner decided by itself. */
const report = z.int().min(0);
const terminal = {
  condition: Condition,
  kept: z.array(z.object({ resource: Resource, reason: z.string() })),
};
const vmRef = { migrationId: z.string(), vm: z.int().min(0) };

export const Outcome = z.enum(['succeeded', 'failed', 'canceled']);
export type Outcome = z.infer<typeof Outcome>;

export const eventSchemas = {
  // provider-{id}, mapping-{id}
  ProviderCreated: { version: 1, data: z.object({ providerId: z.string(), spec: ProviderSpec }) },
  ProviderUpdated: { version: 1, data: z.object({ providerId: z.string(), spec: ProviderSpec }) },
  ProviderDeleted: { version: 1, data: z.object({ providerId: z.string() }) },
  MappingCreated: { version: 1, data: z.object({ mappingId: z.string(), spec: MappingSpec }) },
  MappingUpdated: { version: 1, data: z.object({ mappingId: z.string(), spec: MappingSpec }) },
  MappingDeleted: { version: 1, data: z.object({ mappingId: z.string() }) },
  // plan-{id}
  PlanCreated: { version: 1, data: z.object({ planId: z.string(), spec: PlanSpec }) },
  PlanUpdated: { version: 1, data: z.object({ planId: z.string(), spec: PlanSpec }) },
  PlanArchived: { version: 1, data: z.object({ planId: z.string() }) },
  PlanDeleted: { version: 1, data: z.object({ planId: z.string() }) },
  // migration-{id}: one run of a plan. The VM streams are written first; this event is what makes them count.
  MigrationStarted: {
    version: 1,
    data: z.object({
      migrationId: z.string(),
      planId: z.string(),
      spec: PlanSpec,
      networkMapping: MappingSpec,
      storageMapping: MappingSpec,
      conditions: z.array(Condition),
      vmCount: z.int().min(1),
    }),
  },
  MigrationCancelRequested: { version: 1, data: z.object({ migrationId: z.string(), reason: z.string() }) },
  MigrationCompleted: {
    version: 1,
    data: z.object({ migrationId: z.string(), succeeded: z.int(), failed: z.int(), canceled: z.int() }),
  },
  // schedule: who may run, decided at exact revision
  VmEnqueued: {
    version: 1,
    data: z.object({ ...vmRef, planId: z.string(), priority: z.int(), maxConcurrent: z.int() }),
  },
  VmAdmitted: { version: 1, data: z.object(vmRef) },
  VmSlotReleased: { version: 1, data: z.object(vmRef) },
  // vm-{migration}-{n}: one VM in one run
  VmMigrationPlanned: {
    version: 1,
    data: z.object({ record: VmRecord, itinerary: z.array(ItineraryStep).min(1) }),
  },
  VmMigrationAdmitted: { version: 1, data: z.object({}) },
  ResourceClaimed: { version: 1, data: z.object({ ...ofAttempt, report, resource: Resource }) },
  ResourceReleased: { version: 1, data: z.object({ ...ofAttempt, report, ...Release.shape }) },
  StepRequested: { version: 1, data: z.object({ ...attempt, release: z.array(Resource).optional() }) },
  StepStarted: { version: 1, data: z.object({ ...ofAttempt, worker: z.string() }) },
  StepCheckpointed: {
    version: 1,
    data: z.object({ ...ofAttempt, report, checkpoints: z.array(DiskCheckpoint) }),
  },
  ConditionRaised: { version: 1, data: z.object({ ...ofAttempt, report, condition: Condition }) },
  StepCompleted: { version: 1, data: z.object({ ...ofAttempt, report, result: StepResult }) },
  StepFailed: {
    version: 1,
    data: z.object({ ...ofAttempt, report, error: StepError, lost: z.boolean() }),
  },
  RetryScheduled: {
    version: 1,
    data: z.object({ step: StepName, attempt: z.int().min(2), dueAt: z.iso.datetime() }),
  },
  CancelRequested: { version: 1, data: z.object({ reason: z.string() }) },
  RetryRequested: {
    version: 1,
    data: z.object({ step: StepName, reason: z.string(), record: VmRecord.optional() }),
  },
  /** What is released and what is kept, and why: decided once, before anything is removed. */
  CleanupDecided: {
    version: 1,
    data: z.object({
      outcome: Outcome,
      cause: StepError.optional(),
      release: z.array(Resource),
      keep: z.array(z.object({ resource: Resource, reason: z.string() })),
    }),
  },
  VmMigrationSucceeded: { version: 1, data: z.object(terminal) },
  VmMigrationFailed: { version: 1, data: z.object(terminal) },
  VmMigrationCanceled: { version: 1, data: z.object(terminal) },
  /** The operator gives up a failed VM: what was kept for a retry is now released. */
  VmMigrationAbandoned: { version: 1, data: z.object({ reason: z.string() }) },
} as const satisfies Record<string, { readonly version: number; readonly data: z.ZodType }>;

export type EventType = keyof typeof eventSchemas;
export type EventData<T extends EventType> = z.infer<(typeof eventSchemas)[T]['data']>;
/** An event's type and content, before the log gives it a place; the unit that deciders speak in. */
export type DomainEvent = { [T in EventType]: { readonly type: T; readonly data: EventData<T> } }[EventType];
export type EventOf<T extends EventType> = Extract<DomainEvent, { type: T }>;

export const Actor = z.object({
  kind: z.enum(['user', 'system', 'service']),
  name: z.string().min(1),
  authenticatedBy: z.string().min(1),
});
export type Actor = z.infer<typeof Actor>;

export const InventoryEventData = Inventory;
export const SourcePowerState = PowerState;
