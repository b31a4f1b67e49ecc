import { z } from 'zod';
import { Condition } from '../conditions.js';
import { MappingSpec, PlanSpec } from '../specs.js';

const migrationId = z.string();
const asked = z.object({ migrationId, reason: z.string() });

/** On `migration-{id}`: one run of a plan. The VM streams are written first; `MigrationStarted` makes them count. */
export const runEvents = {
  MigrationStarted: {
    version: 4,
    data: z.object({
      migrationId,
      planId: z.string(),
      spec: PlanSpec,
      networkMapping: MappingSpec,
      /** None: nothing is copied. */
      storageMapping: MappingSpec.optional(),
      conditions: z.array(Condition),
      vmCount: z.int().min(1),
      /** Name of who asked: a plan that wants a second person's word does not take it from them. */
      startedBy: z.string().optional(),
    }),
  },
  /** Its VMs begin. The first wave starts with the migration. */
  WaveStarted: {
    version: 1,
    data: z.object({ migrationId, wave: z.int().min(1), reason: z.string() }),
  },
  /** The second person's word, where the plan asks for one: only now do its VMs begin. */
  MigrationApproved: { version: 1, data: asked },
  MigrationCancelRequested: { version: 1, data: asked },
  MigrationPauseRequested: { version: 1, data: asked },
  MigrationResumeRequested: { version: 1, data: asked },
  MigrationCompleted: {
    version: 2,
    data: z.object({
      migrationId,
      succeeded: z.int(),
      failed: z.int(),
      canceled: z.int(),
      rolledBack: z.int(),
    }),
  },
} as const;
