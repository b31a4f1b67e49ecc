import { z } from 'zod';

/** On `planner`: when no planner led, so that nobody could be answered. */
export const plannerEvents = {
  /**
   * A planner leads again and has taken the reports that were waiting for it. Between the two times nothing shows that
   * a planner led and could be reached; no time limit counts them.
   */
  PlannerReturned: {
    version: 1,
    data: z.object({
      /** The last moment at which the log or the planner itself shows that one led. */
      lastLedAt: z.iso.datetime(),
      returnedAt: z.iso.datetime(),
      /** `start`: of this process; `bus`: NATS was not reachable; `stall`: the process did not run. */
      after: z.enum(['start', 'bus', 'stall']),
    }),
  },
  /** The planner was stopped in an orderly way. */
  PlannerStopped: { version: 1, data: z.object({}) },
} as const;
