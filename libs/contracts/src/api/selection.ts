import { z } from 'zod';
import { Condition } from '../conditions.js';

/** The VMs that a plan selects now, and its list of VMs as CSV. */

export const PlanSelection = z.object({
  planId: z.string(),
  /** When the inventory was read. */
  inventoryTakenAt: z.iso.datetime(),
  vms: z.array(
    z.object({
      sourceId: z.string(),
      name: z.string(),
      folder: z.string().optional(),
      targetName: z.string(),
      targetNamespace: z.string(),
      wave: z.int().min(1),
      priority: z.int(),
      /** The parts of the plan that select it, such as `vms[0]` and `select[2]`. */
      by: z.array(z.string()),
    }),
  ),
  /** VMs that a selector matches and `except` leaves out. */
  leftOut: z.array(z.object({ sourceId: z.string(), name: z.string() })),
  /** Conditions of the selection. */
  conditions: z.array(Condition),
});
export type PlanSelection = z.infer<typeof PlanSelection>;

/** `vms`: the plan's own list, which an import replaces; `meant`: every VM that the plan selects now. */
export const ExportQuery = z.strictObject({ of: z.enum(['vms', 'meant']).default('vms') });

export const VmsCsv = z.object({
  /** CSV (RFC 4180) with a header; an apostrophe precedes a cell that a spreadsheet would run. */
  csv: z.string(),
  vms: z.int().min(0),
});
export type VmsCsv = z.infer<typeof VmsCsv>;

export const ImportBody = z.strictObject({ csv: z.string().max(8_000_000) });

/** A problem in a CSV file. */
export const CsvProblem = z.object({
  /** Line in the file; the header is line 1. */
  line: z.int().min(1),
  column: z.string().optional(),
  value: z.string().optional(),
  /** What is wrong, and the way out. */
  problem: z.string(),
});
export type CsvProblem = z.infer<typeof CsvProblem>;
