import { LedgerliftError } from '@ledgerlift/contracts';
import type { SourceProvider } from '../port.js';
import { vsphereDiskAccess } from './disks/index.js';
import { type Judge, readInventory, readVm, watchInventory } from './inventory/index.js';
import { currentMoment, powerOff, powerOn, powerState } from './power.js';
import { retire } from './retire.js';
import { closeSessions, sessionOf } from './session.js';
import { vsphereSnapshots } from './snapshots.js';

const CHECK_MS = 60_000;
const INVENTORY_MS = 600_000;
const ONE_VM_MS = 60_000;
const noConcerns: Judge = () => [];

/** vSphere: the VMs of a vCenter, or of one ESXi host. */
export const vsphereProvider: SourceProvider = {
  type: 'vsphere',
  migrationTypes: ['cold', 'warm', 'conversion'],
  conversion: 'needed',

  async check(spec) {
    try {
      await sessionOf(spec).content(AbortSignal.timeout(CHECK_MS));
      return [];
    } catch (error) {
      if (!(error instanceof LedgerliftError)) throw error;
      return [{ item: spec.name, ...error.details(), field: error.field ?? 'settings.url' }];
    }
  },

  inventory: (spec) => readInventory(sessionOf(spec), noConcerns, AbortSignal.timeout(INVENTORY_MS)),
  watch: (spec, changed, signal) => watchInventory(sessionOf(spec), noConcerns, changed, signal),

  // Its disks carry no digests.
  verifyDigests: async () => [],

  currentVm: (spec, vmId) => readVm(sessionOf(spec), vmId, noConcerns, AbortSignal.timeout(ONE_VM_MS)),
  powerState,
  powerOff,
  powerOn,
  currentMoment,
  diskAccess: (spec, vm, disk, snapshot, reader) =>
    vsphereDiskAccess(sessionOf(spec), vm, disk, snapshot, reader),
  snapshots: vsphereSnapshots,
  retire,
  close: closeSessions,
};
