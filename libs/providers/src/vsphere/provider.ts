import type { SourceProvider } from '../port.js';
import { checkVsphere } from './check.js';
import { concernMeanings, judge } from './concerns/index.js';
import { vsphereDiskAccess } from './disks/index.js';
import { readInventory, readVm, watchInventory } from './inventory/index.js';
import { currentMoment, powerOff, powerOn, powerState } from './power.js';
import { vsphereConditionTypes } from './plan/condition-types.js';
import { vspherePlanConditions } from './plan/conditions.js';
import { vsphereRole } from './privileges/index.js';
import { vsphereRequirements } from './tools/index.js';
import { restore } from './restore.js';
import { connectedNics, retire } from './retire.js';
import { closeSessions, sessionOf } from './session.js';
import { vsphereHosts } from './hosts.js';
import { vsphereSnapshots } from './snapshots.js';

const INVENTORY_MS = 600_000;
const ONE_VM_MS = 60_000;

/** vSphere: the VMs of a vCenter, or of one ESXi host. */
export const vsphereProvider: SourceProvider = {
  type: 'vsphere',
  migrationTypes: ['cold', 'warm', 'conversion'],
  conversion: 'needed',
  conditionTypes: vsphereConditionTypes,
  planConditions: vspherePlanConditions,
  concerns: concernMeanings,
  requirements: vsphereRequirements,
  role: vsphereRole,

  check: checkVsphere,
  hosts: vsphereHosts,

  inventory: (spec) => readInventory(sessionOf(spec), judge, AbortSignal.timeout(INVENTORY_MS)),
  watch: (spec, changed, signal) => watchInventory(sessionOf(spec), judge, changed, signal),

  // Its disks carry no digests.
  verifyDigests: async () => [],

  currentVm: (spec, vmId) => readVm(sessionOf(spec), vmId, judge, AbortSignal.timeout(ONE_VM_MS)),
  powerState,
  powerOff,
  powerOn,
  currentMoment,
  diskAccess: (spec, vm, disk, snapshot, reader) =>
    vsphereDiskAccess(sessionOf(spec), vm, disk, snapshot, reader),
  snapshots: vsphereSnapshots,
  retire,
  connectedNics,
  restore,
  close: closeSessions,
};
