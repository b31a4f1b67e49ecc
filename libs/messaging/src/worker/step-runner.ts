import type { ServiceName } from '@ledgerlift/contracts';
import type { NatsConnection } from '@nats-io/nats-core';
import type { BusLogger } from '../bus-logger.js';
import type { StepHandlers } from './attempt.js';

export interface StepRunnerOptions {
  readonly nc: NatsConnection;
  readonly service: ServiceName;
  readonly site: string;
  /** One process: `{service}/{host}/{start id}`. */
  readonly workerId: string;
  /** How many attempts run at once. */
  readonly slots: number;
  readonly handlers: StepHandlers;
  readonly logger: BusLogger;
  /** Told when a handler still runs although its lease has ended: the process must end, for its I/O must. */
  readonly onUnstoppable?: (message: string) => void;
}
