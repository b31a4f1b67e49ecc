import { z } from 'zod';

/** Critical: nothing starts. Error: something failed. Warn: goes on, look at it. Advisory: good to know. */
export const ConditionCategory = z.enum(['Critical', 'Error', 'Warn', 'Advisory']);
export type ConditionCategory = z.infer<typeof ConditionCategory>;

export const Condition = z.object({
  /** CamelCase name, such as `VMNetworksNotMapped`. */
  type: z.string(),
  category: ConditionCategory,
  reason: z.string(),
  message: z.string(),
  /** What it is about: VM names, networks, files. */
  items: z.array(z.string()),
  /** A durable condition stays for ever, as a record of what happened. */
  durable: z.boolean(),
});
export type Condition = z.infer<typeof Condition>;
