import type { z } from 'zod';
import { catalogEvents } from './catalog.js';
import { recordWithoutLab, specWithoutLab } from './lab-as-extension.js';
import { runEvents } from './run.js';
import { scheduleEvents } from './schedule.js';
import { vmEvents } from './vm.js';

type Upcaster = (data: unknown) => unknown;

/** Where all that is new has a default, reading the old data with the new schema is all there is to do. */
const withDefaults =
  (schema: z.ZodType): Upcaster =>
  (data) =>
    schema.parse(data);

/** Every step of a cold migration is done once. */
const withParts = (data: unknown): unknown => {
  const { record, itinerary } = data as { record: unknown; itinerary: readonly object[] };
  return { record, itinerary: itinerary.map((step) => ({ ...step, part: 'main' })) };
};

/** For each event whose shape has changed: from version `n` (the key) to the next. */
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
 * The data of an event as this version knows it. Events are never edited: what an older version wrote is read anew each
 * time.
 *
 * @param version in which the data was written
 * @param current the version that is wanted
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
