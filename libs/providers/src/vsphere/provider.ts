import type { ProviderSpec } from '@ledgerlift/contracts';
import type { SourceProvider } from '../port.js';
import { checkVsphere } from './check.js';
import { concernMeanings, judge } from './concerns/index.js';
import { vsphereConditionTypes, vspherePlanConditions } from './conditions.js';
import { vsphereDiskAccess } from './disks/index.js';
import { readInventory, readVm, watchInventory } from './inventory/index.js';
import { currentMoment, powerOff, powerOn, powerState } from './power.js';
import { vsphereRole } from './privileges/index.js';
import { connectedNics, restore, retire } from './retire.js';
import { closeSessions, sessionOf } from './session.js';
import { vsphereSnapshots } from './snapshots.js';
import { vsphereRequirements } from './tools/index.js';

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

/** Lists a vSphere's addresses: the server of the settings' URL, and the hosts from which disks are read directly. Pure. */
export function vsphereHosts(spec: ProviderSpec): readonly string[] {
  if (spec.type !== 'vsphere') return [];
  const { url, hosts } = spec.settings;
  const server = new URL(url).hostname.replace(/^\[|\]$/g, '');
  return [...new Set([server, ...hosts.map(({ host, address }) => address ?? host)])];
}
