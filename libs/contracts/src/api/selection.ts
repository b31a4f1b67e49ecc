import { z } from 'zod';
import { Condition } from '../conditions.js';

/** Which VMs a plan means now, and the plan's list of VMs as CSV. */

export const PlanSelection = z.object({
  planId: z.string(),
  /** When the inventory was read in which the VMs were looked up. */
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
      /** What of the plan means it, such as `vms[0]` and `select[2]`. */
      by: z.array(z.string()),
    }),
  ),
  /** VMs that a selector means and that `except` leaves out. */
  leftOut: z.array(z.object({ sourceId: z.string(), name: z.string() })),
  /** Of the validation: what is wrong with the selection. */
  conditions: z.array(Condition),
});
export type PlanSelection = z.infer<typeof PlanSelection>;

/** `vms`: the plan's own list, which an import replaces; `meant`: every VM that the plan means now. */
export const ExportQuery = z.strictObject({ of: z.enum(['vms', 'meant']).default('vms') });

export const VmsCsv = z.object({
  /** RFC 4180, with a header; a cell that a spreadsheet would run begins with an apostrophe. */
  csv: z.string(),
  vms: z.int().min(0),
});
export type VmsCsv = z.infer<typeof VmsCsv>;

export const ImportBody = z.strictObject({ csv: z.string().max(8_000_000) });

/** Something in a CSV file that cannot be used. */
export const CsvProblem = z.object({
  /** In the file; the header is line 1. */
  line: z.int().min(1),
  column: z.string().optional(),
  value: z.string().optional(),
  /** What is wrong, and the way out. */
  problem: z.string(),
});
export type CsvProblem = z.infer<typeof CsvProblem>;
