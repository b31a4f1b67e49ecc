import type { StepHandlers } from '@ledgerlift/worker';
import type { TransferSettings } from '../config.js';
import { hookStep } from '../hooks/index.js';
import { Tools } from '../tools.js';
import { cleanup } from './cleanup.js';
import { diskAllocation } from './disk-allocation.js';
import { diskTransfer } from './disk-transfer.js';
import { initialize } from './source.js';
import { snapshotCreation, snapshotRemoval } from './snapshots.js';
import { sourcePowerOff, sourcePowerOn, sourceRestoration, sourceRetirement } from './source-power.js';

/** The steps of this service. */
export function transferSteps(settings: TransferSettings, tools = new Tools(settings)): StepHandlers {
  const hook = hookStep(settings.hooks);
  return {
    Initialize: initialize,
    PreHook: hook,
    DiskAllocation: diskAllocation,
    SnapshotCreation: snapshotCreation,
    SnapshotRemoval: snapshotRemoval,
    DiskTransfer: diskTransfer(settings, tools),
    CutoverHook: hook,
    SourcePowerOff: sourcePowerOff,
    PostHook: hook,
    SourcePowerOn: sourcePowerOn,
    SourceRetirement: sourceRetirement,
    SourceRestoration: sourceRestoration,
    FailureHook: hook,
    Cleanup: cleanup,
  };
}
