import { z } from 'zod';
import { Condition } from '../conditions.js';
import { ItineraryPart, StepName } from '../steps.js';

/** A migration as predicted without changing anything. Durations are in milliseconds. */

/** One figure of a forecast, and its origin. */
export const Figure = z.object({
  value: z.number().min(0),
  /** Number of measurements behind this median; 0 if it is an assumption. */
  measured: z.int().min(0),
});
export type Figure = z.infer<typeof Figure>;

/** The figures for VMs of the plan's source. */
export const Figures = z.object({
  shutdownMs: Figure,
  snapshotMs: Figure,
  bytesPerSecond: Figure,
  conversionMs: Figure,
  bootMs: Figure,
  /** The share of a VM's data that changes in an hour. */
  changePerHour: Figure,
  /** The duration of each measured hook, by name. */
  hooks: z.record(z.string(), Figure),
});
export type Figures = z.infer<typeof Figures>;

export const RehearsedVm = z.object({
  /** The VM's number in the migration. */
  index: z.int().min(0),
  sourceId: z.string(),
  name: z.string(),
  targetName: z.string(),
  targetNamespace: z.string(),
  wave: z.int().min(1),
  priority: z.int(),
  /** Position, from 1, in the order in which VMs get slots. */
  order: z.int().min(1).optional(),
  steps: z.array(z.object({ step: StepName, part: ItineraryPart, hook: z.string().optional() })),
  /** What it waits for before it begins, and later. */
  waitsFor: z.array(z.string()),
  bytes: z.object({
    capacity: z.int().min(0),
    /** Bytes to read from its disks. */
    read: z.int().min(0),
    /**
     * `extents`: the allocated part of the disks; `capacity`: the whole disks, because the allocation is unknown; `nothing`: the
     * disks are already at the target.
     */
    from: z.enum(['extents', 'capacity', 'nothing']),
    /** Why the allocation is unknown. */
    why: z.string().optional(),
  }),
  forecast: z.object({
    /** Absent if the VM never begins because nothing may run. */
    beginsAt: z.iso.datetime().optional(),
    endsAt: z.iso.datetime().optional(),
    /** Without the waits. */
    workMs: z.number().min(0),
    /** From the source's power-off to the target's start; 0 if the source is off. */
    downtimeMs: z.number().min(0),
    /** The parts of the time. */
    parts: z.object({
      shutdownMs: z.number(),
      snapshotMs: z.number(),
      copyMs: z.number(),
      deltaMs: z.number(),
      conversionMs: z.number(),
      bootMs: z.number(),
      /** The VM's own hooks, except failure hooks. */
      hooksMs: z.number(),
    }),
  }),
});
export type RehearsedVm = z.infer<typeof RehearsedVm>;

export const Rehearsal = z.object({
  planId: z.string(),
  at: z.iso.datetime(),
  /** Whether the plan may start. If not, there are only conditions. */
  ready: z.boolean(),
  conditions: z.array(Condition),
  figures: Figures.optional(),
  /** The assumptions, in words. */
  assumptions: z.array(z.string()),
  waves: z.array(
    z.object({
      wave: z.int().min(1),
      vms: z.int().min(1),
      beginsAt: z.iso.datetime().optional(),
      endsAt: z.iso.datetime().optional(),
      startsBy: z.string(),
    }),
  ),
  vms: z.array(RehearsedVm),
  total: z
    .object({
      vms: z.int().min(1),
      capacityBytes: z.int().min(0),
      bytesToRead: z.int().min(0),
      /** Number of VMs whose allocation is unknown. */
      withoutExtents: z.int().min(0),
      durationMs: z.number().min(0).optional(),
      endsAt: z.iso.datetime().optional(),
      longestDowntimeMs: z.number().min(0),
    })
    .optional(),
});
export type Rehearsal = z.infer<typeof Rehearsal>;
