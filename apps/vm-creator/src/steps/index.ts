import type { StepHandlers } from '@ledgerlift/messaging';
import type { BootSettings } from '../boot-proof/settings.js';
import { bootProof } from './boot-proof.js';
import { cleanup } from './cleanup.js';
import { finalPowerActions } from './final-power-actions.js';
import { sourcePowerOf } from './source-power.js';
import { virtualMachineCreation } from './virtual-machine-creation.js';

/** The steps that this service does. */
export const handlersOf = (settings: { readonly boot: BootSettings }): StepHandlers => ({
  VirtualMachineCreation: virtualMachineCreation,
  FinalPowerActions: finalPowerActions(sourcePowerOf),
  BootProof: bootProof(settings.boot),
  Cleanup: cleanup,
});
