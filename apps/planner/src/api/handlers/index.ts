import type { OperationHandlers } from '../edge/dispatcher.js';
import { eventHandlers } from './events.js';
import { mappingHandlers } from './mappings.js';
import { migrationHandlers } from './migrations.js';
import { planHandlers } from './plans.js';
import { providerHandlers } from './providers.js';
import { scheduleHandlers } from './schedule.js';
import { vmHandlers } from './vms.js';

/** One handler for each operation of the table in `@ledgerlift/contracts`. */
export const handlers: OperationHandlers = {
  ...providerHandlers,
  ...mappingHandlers,
  ...planHandlers,
  ...migrationHandlers,
  ...vmHandlers,
  ...scheduleHandlers,
  ...eventHandlers,
};
