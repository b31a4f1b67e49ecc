import type { StepHandlers } from '@ledgerlift/messaging';
import type { TransferSettings } from '../config.js';
import { cleanup } from './cleanup.js';
import { diskAllocation } from './disk-allocation.js';
import { diskTransfer } from './disk-transfer.js';
import { initialize } from './initialize.js';
import { sourcePowerOff } from './source-power-off.js';

/** The steps that this service does. */
export const transferSteps = (settings: TransferSettings): StepHandlers => ({
  Initialize: initialize,
  SourcePowerOff: sourcePowerOff,
  DiskAllocation: diskAllocation,
  DiskTransfer: diskTransfer(settings),
  Cleanup: cleanup,
});
