import { z } from 'zod';
import { catalogEvents } from './catalog.js';
import { runEvents, scheduleEvents } from './run.js';
import { vmEvents } from './vm.js';

type Upcaster = (data: unknown) => unknown;

/** If all new fields have defaults, parsing the old data with the new schema is enough. */
const withDefaults =
  (schema: z.ZodType): Upcaster =>
  (data) =>
    schema.parse(data);

/** Adds `part: main`: every step of a cold migration is done once. */
const withParts = (data: unknown): unknown => {
  const { record, itinerary } = data as { record: unknown; itinerary: readonly object[] };
  return { record, itinerary: itinerary.map((step) => ({ ...step, part: 'main' })) };
};

/** For each event whose shape changed: converters from version `n` (the key) to the next. */
const upcasters: Readonly<Record<string, Readonly<Record<number, Upcaster>>>> = {
  // 2: warm migrations, hooks, approvals, time limits; 3: selectors; 4: conversion only, inspection, hooks of a plan.
  PlanCreated: {
    1: withDefaults(catalogEvents.PlanCreated.data),
    2: withDefaults(catalogEvents.PlanCreated.data),
    3: withDefaults(catalogEvents.PlanCreated.data),
  },
  PlanUpdated: {
    1: withDefaults(catalogEvents.PlanUpdated.data),
    2: withDefaults(catalogEvents.PlanUpdated.data),
    3: withDefaults(catalogEvents.PlanUpdated.data),
  },
  MigrationStarted: {
    1: withDefaults(runEvents.MigrationStarted.data),
    2: withDefaults(runEvents.MigrationStarted.data),
    3: withDefaults(runEvents.MigrationStarted.data),
  },
  VmMigrationPlanned: {
    1: (data) => vmEvents.VmMigrationPlanned.data.parse(withParts(recordWithoutLab(data))),
    // 3: inspection, disks that are adopted.
    2: (data) => vmEvents.VmMigrationPlanned.data.parse(recordWithoutLab(data)),
    // 4: the lab is an extension.
    3: recordWithoutLab,
  },
  RetryRequested: {
    1: (data) => vmEvents.RetryRequested.data.parse(recordWithoutLab(data)),
    // 3: the lab is an extension.
    2: recordWithoutLab,
  },
  // 2: the lab is an extension.
  ProviderCreated: { 1: specWithoutLab },
  ProviderUpdated: { 1: specWithoutLab },
  MigrationCompleted: { 1: (data) => ({ ...(data as object), rolledBack: 0 }) },
  // 2: steps of the end, such as powering the source on again.
  CleanupDecided: { 1: (data) => vmEvents.CleanupDecided.data.parse({ ...(data as object), steps: [] }) },
  // 2: how many disks' snapshots are removed at once.
  ScheduleLimitsSet: { 1: withDefaults(scheduleEvents.ScheduleLimitsSet.data) },
  // 2: limits by provider, host and target, budgets and windows; 3: disks.
  VmEnqueued: {
    1: (data) =>
      scheduleEvents.VmEnqueued.data.parse({
        ...(data as object),
        purpose: 'begin',
        provider: '',
        target: '',
        demand: { cpus: 0, memoryBytes: 0, storageBytes: 0 },
        storages: {},
        windows: [],
      }),
    2: (data) => scheduleEvents.VmEnqueued.data.parse({ ...(data as object), storages: {} }),
  },
};

/**
 * Converts the data of an event to the current shape. Events are never edited, so older ones are converted on every read.
 *
 * @param version of the stored data
 * @param current the version to convert to
 */
export function upcast(type: string, version: number, current: number, data: unknown): unknown {
  let upcasted = data;
  for (let from = version; from < current; from += 1) {
    const step = upcasters[type]?.[from];
    if (step === undefined) throw new TypeError(`there is no upcaster of ${type} from version ${from}`);
    upcasted = step(upcasted);
  }
  return upcasted;
}

/** Types that were renamed without a change to their data: old logs keep the old names. */
const renamed: Readonly<Record<string, string>> = {
  RemovalTurnAwaited: 'RemovalSlotAwaited',
  RemovalTurnEnqueued: 'RemovalSlotEnqueued',
  RemovalTurnGiven: 'RemovalSlotGiven',
  RemovalTurnReleased: 'RemovalSlotReleased',
};

/** @returns the present name of an event type in the log */
export const currentType = (type: string): string => renamed[type] ?? type;

const Lab = z.looseObject({ type: z.literal('lab') });
const LabDisk = z.looseObject({ backing: z.object({ kind: z.literal('lab'), vmId: z.string() }) });
const Disks = z.looseObject({ disks: z.array(z.unknown()) });
const LabRecord = z.looseObject({
  source: z.looseObject({ provider: z.looseObject({ spec: Lab }), vm: Disks }),
});

/**
 * Converts the spec of a lab provider, once a built-in type, into one of an extension. Leaves other specs unchanged.
 */
export function specWithoutLab(data: unknown): unknown {
  const { data: found } = z.looseObject({ spec: Lab }).safeParse(data);
  return found === undefined ? data : { ...found, spec: asExtension(found.spec) };
}

/** The same for the record of a VM. */
export function recordWithoutLab(data: unknown): unknown {
  const { data: found } = z.looseObject({ record: LabRecord }).safeParse(data);
  if (found === undefined) return data;
  const { provider, vm } = found.record.source;
  const source = {
    ...found.record.source,
    provider: { ...provider, spec: asExtension(provider.spec) },
    vm: { ...vm, disks: vm.disks.map(diskAsExtension) },
  };
  return { ...found, record: { ...found.record, source } };
}

const asExtension = (spec: z.infer<typeof Lab>): object => ({ ...spec, type: 'x-lab' });

function diskAsExtension(disk: unknown): unknown {
  const { data: found } = LabDisk.safeParse(disk);
  if (found === undefined) return disk;
  return { ...found, backing: { kind: 'extension', data: { vmId: found.backing.vmId } } };
}
