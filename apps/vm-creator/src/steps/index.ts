import type { StepHandlers } from '@ledgerlift/worker';
import type { BootSettings } from '../boot-proof/settings.js';
import { bootProof } from './boot-proof.js';
import { cleanup } from './cleanup.js';
import { finalPowerActions } from './final-power-actions.js';
import { askSource } from './source-now.js';
import { targetPowerOff } from './target-power-off.js';
import { testBoot } from './test-boot.js';
import { virtualMachineCreation } from './virtual-machine-creation.js';

/** The steps that this service does. */
export const handlersOf = (settings: { readonly boot: BootSettings }): StepHandlers => ({
  TestBoot: testBoot(settings.boot),
  VirtualMachineCreation: virtualMachineCreation,
  FinalPowerActions: finalPowerActions(askSource),
  BootProof: bootProof(settings.boot),
  TargetPowerOff: targetPowerOff,
  Cleanup: cleanup,
});
