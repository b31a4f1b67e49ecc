import { z } from 'zod';
import { Condition } from '../conditions.js';
import { ItineraryPart, StepName } from '../steps.js';

/** What a migration would be, as far as it can be known without changing anything. Times are milliseconds. */

/** One figure of a forecast, and where it is from. */
export const Figure = z.object({
  value: z.number().min(0),
  /** How many earlier measurements it is the median of; 0: nothing was measured yet, and it is assumed. */
  measured: z.int().min(0),
});
export type Figure = z.infer<typeof Figure>;

/** What is reckoned with, for VMs of the plan's source. */
export const Figures = z.object({
  shutdownMs: Figure,
  snapshotMs: Figure,
  bytesPerSecond: Figure,
  conversionMs: Figure,
  bootMs: Figure,
  /** Share of what a VM holds that changes in an hour. */
  changePerHour: Figure,
  /** What each hook took that was measured, by its name. */
  hooks: z.record(z.string(), Figure),
});
export type Figures = z.infer<typeof Figures>;

export const RehearsedVm = z.object({
  /** Its number in the migration. */
  index: z.int().min(0),
  sourceId: z.string(),
  name: z.string(),
  targetName: z.string(),
  targetNamespace: z.string(),
  wave: z.int().min(1),
  priority: z.int(),
  /** Which it is to get a place, from 1 on. */
  order: z.int().min(1).optional(),
  steps: z.array(z.object({ step: StepName, part: ItineraryPart, hook: z.string().optional() })),
  /** For what it waits before it begins, and on its way. */
  waitsFor: z.array(z.string()),
  bytes: z.object({
    capacity: z.int().min(0),
    /** Will be read of its disks. */
    read: z.int().min(0),
    /**
     * `extents`: what the disks hold; `capacity`: that could not be seen, so all of them is taken; `nothing`: they are at
     * the target already.
     */
    from: z.enum(['extents', 'capacity', 'nothing']),
    /** Why it could not be seen. */
    why: z.string().optional(),
  }),
  forecast: z.object({
    /** Left out where it never comes to it: nothing may run. */
    beginsAt: z.iso.datetime().optional(),
    endsAt: z.iso.datetime().optional(),
    /** Without the waits. */
    workMs: z.number().min(0),
    /** From the source's power-off to the target's start; 0 where the source is off already. */
    downtimeMs: z.number().min(0),
    /** What the time consists of. */
    parts: z.object({
      shutdownMs: z.number(),
      snapshotMs: z.number(),
      copyMs: z.number(),
      deltaMs: z.number(),
      conversionMs: z.number(),
      bootMs: z.number(),
      /** Of its own hooks, but for those on failure. */
      hooksMs: z.number(),
    }),
  }),
});
export type RehearsedVm = z.infer<typeof RehearsedVm>;

export const Rehearsal = z.object({
  planId: z.string(),
  at: z.iso.datetime(),
  /** Whether the plan may start. Where it may not, nothing but the conditions is told. */
  ready: z.boolean(),
  conditions: z.array(Condition),
  figures: Figures.optional(),
  /** What was taken for granted, in words. */
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
      /** VMs whose extents could not be seen. */
      withoutExtents: z.int().min(0),
      durationMs: z.number().min(0).optional(),
      endsAt: z.iso.datetime().optional(),
      longestDowntimeMs: z.number().min(0),
    })
    .optional(),
});
export type Rehearsal = z.infer<typeof Rehearsal>;
