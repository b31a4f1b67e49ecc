import type { StepHandlers } from '@ledgerlift/worker';
import type { BootSettings } from '../boot-proof/settings.js';
import { bootProof, testBoot } from './boot-proof.js';
import { cleanup } from './cleanup.js';
import { askSource, finalPowerActions, targetPowerOff, virtualMachineCreation } from './target-power.js';

/** The steps of this service. */
export const handlersOf = (settings: { readonly boot: BootSettings }): StepHandlers => ({
  TestBoot: testBoot(settings.boot),
  VirtualMachineCreation: virtualMachineCreation,
  FinalPowerActions: finalPowerActions(askSource),
  BootProof: bootProof(settings.boot),
  TargetPowerOff: targetPowerOff,
  Cleanup: cleanup,
});
