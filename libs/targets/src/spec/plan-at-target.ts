import { sourceVm } from '@ledgerlift/testing';
import type { PlanAtTarget, VmAtTarget } from '../plan.js';

/** A VM of the plan `first-wave` that nothing was done about yet, and that uses no mapping. */
export function vmAtTarget(over: Partial<VmAtTarget> = {}): VmAtTarget {
  const vm = over.vm ?? sourceVm({ nics: [], disks: [] });
  return {
    vm,
    targetName: vm.name,
    targetNamespace: 'default',
    isCopied: false,
    isConverted: false,
    startsAtTarget: false,
    isRetried: false,
    adopted: undefined,
    planName: 'first-wave',
    machine: {},
    networkOf: [],
    storageOf: [],
    ...over,
  };
}

/** A cold plan without VMs or mappings. */
export const planAtTarget = (
  over: Partial<Omit<PlanAtTarget, 'spec'>> = {},
  spec: Partial<PlanAtTarget['spec']> = {},
): PlanAtTarget => ({
  spec: {
    type: 'cold',
    skipGuestConversion: false,
    useCompatibilityMode: true,
    bootProof: false,
    maxConcurrentMigrations: 1,
    targetNamespace: 'default',
    ...spec,
  },
  targetName: 'out',
  sourceHosts: [],
  vms: [],
  networks: [],
  storages: [],
  ...over,
});
