import { join } from 'node:path';
import { isDatabase } from '@ledgerlift/event-log';
import {
  type Environment,
  type ServiceConfig,
  ServiceEnvironment,
  readEnvironment,
  readServiceConfig,
} from '@ledgerlift/service';
import { z } from 'zod';
import { ACCOUNT, type PodSigning, SIGNING_SEED_FILE } from './bus/pod-credentials.js';

const whole = z.coerce.number().int().min(1);

const PlannerEnvironment = ServiceEnvironment.extend({
  LEDGERLIFT_LOG_FILE: z
    .string()
    .min(1)
    .optional()
    .describe('the path of the event log; events.db in the data folder unless set'),
  LEDGERLIFT_LOG_URL: z
    .string()
    .refine(isDatabase)
    .optional()
    .describe(
      'the URL of the event log in PostgreSQL or KurrentDB, such as postgres://ledgerlift@db/ledgerlift or kurrentdb://db:2113/ledgerlift',
    ),
  LEDGERLIFT_NATS_REPLICAS: whole
    .max(5)
    .optional()
    .describe(
      'on how many servers of a NATS cluster each stream is kept: from 1 to 5, best 3; unset: existing streams stay, new ones get 1',
    ),
  LEDGERLIFT_MAX_RUNNING_VMS: whole
    .default(20)
    .describe('how many VMs may run at once over all plans: a whole number from 1'),
  LEDGERLIFT_LEASE_MS: whole
    .min(500)
    .default(15_000)
    .describe('how long a worker may be silent, in milliseconds: from 500'),
  LEDGERLIFT_UNCLAIMED_MS: whole
    .default(10_000)
    .describe('after how many milliseconds a request that nobody claimed is published again'),
  [SIGNING_SEED_FILE]: z
    .string()
    .min(1)
    .optional()
    .describe('the path of a file with the seed of a NATS account key or signing key'),
  [ACCOUNT]: z
    .string()
    .regex(/^A[A-Z2-7]{55}$/)
    .optional()
    .describe(
      'the public key of the NATS account that the signing key belongs to: A and 55 letters and digits',
    ),
});

const DEFAULT_HTTP_PORT = 7420;

export interface PlannerConfig extends ServiceConfig {
  /** Path of the event log's file, or the URL of its database, which may hold a password. */
  readonly log: string;
  /** On how many servers NATS keeps each stream; undefined: as they are. */
  readonly natsReplicas: number | undefined;
  readonly maxRunningVms: number;
  readonly leaseMs: number;
  readonly unclaimedMs: number;
  readonly podSigning: PodSigning;
}

/** @throws BadSetting */
export function readPlannerConfig(env: Environment = process.env): PlannerConfig {
  const read = readEnvironment(PlannerEnvironment, env);
  const service = readServiceConfig(env);
  return {
    ...service,
    http: { host: service.http.host, port: read.LEDGERLIFT_HTTP_PORT ?? DEFAULT_HTTP_PORT },
    log: read.LEDGERLIFT_LOG_URL ?? read.LEDGERLIFT_LOG_FILE ?? join(service.dataDir, 'events.db'),
    natsReplicas: read.LEDGERLIFT_NATS_REPLICAS,
    maxRunningVms: read.LEDGERLIFT_MAX_RUNNING_VMS,
    leaseMs: read.LEDGERLIFT_LEASE_MS,
    unclaimedMs: read.LEDGERLIFT_UNCLAIMED_MS,
    podSigning: { seedFile: read[SIGNING_SEED_FILE], account: read[ACCOUNT] },
  };
}
