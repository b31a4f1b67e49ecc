import { z } from 'zod';
import { Condition } from '../conditions.js';
import { CsvProblem } from './selection.js';

/** The body of every answer that is not a success. */
export const ApiErrorBody = z.object({
  error: z.object({
    /** Stable: `LL-AREA-NNN`. */
    code: z.string(),
    message: z.string(),
    /** The field that was wrong, such as `vms[2].targetName`. */
    field: z.string().optional(),
    /** Why a plan does not start. */
    conditions: z.array(Condition).optional(),
    /** What is wrong with the rows of a CSV file. */
    rows: z.array(CsvProblem).optional(),
  }),
});
export type ApiErrorBody = z.infer<typeof ApiErrorBody>;
