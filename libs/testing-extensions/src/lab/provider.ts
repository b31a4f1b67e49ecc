import { LedgerliftError } from '@ledgerlift/contracts';
import type { ExtensionProvider } from '@ledgerlift/providers';
import { NbdExport } from './answers.js';
import { LabClient, LabSettings, isRefusal, vmPath } from './client.js';
import { LabRefused, LabSnapshotLost, LabVmRuns } from './errors.js';
import { momentOf, powerOff, powerOn } from './power.js';
import { connectedNics, restore, retire } from './retire.js';
import { labSnapshots, presentSnapshot } from './snapshots.js';
import { inventoryOf, sourceVm } from './source-vm.js';

/** The lab: VMs that run and are written to, read from snapshots or while they are off. */
export const labProvider: ExtensionProvider = {
  type: 'x-lab',
  settings: LabSettings,
  migrationTypes: ['cold', 'warm', 'conversion'],
  conversion: 'needed',

  async check(spec) {
    try {
      await (await LabClient.of(spec)).inventory();
      return [];
    } catch (error) {
      if (!(error instanceof LedgerliftError)) throw error;
      return [{ item: spec.name, field: 'settings.url', ...error.details() }];
    }
  },

  inventory: async (spec) => inventoryOf(await (await LabClient.of(spec)).inventory(), new Date()),

  // Its disks carry no digests.
  verifyDigests: async () => [],

  async currentVm(spec, vmId) {
    const lab = await LabClient.of(spec);
    try {
      return sourceVm(await lab.vm(vmId));
    } catch (error) {
      if (isRefusal(error, 'no-such-vm')) return undefined;
      throw error;
    }
  },

  powerState: async (spec, vm) => (await (await LabClient.of(spec)).vm(vm.id)).power,
  powerOff,
  powerOn,

  async currentMoment(spec, vm) {
    const now = await (await LabClient.of(spec)).vm(vm.id);
    return now.power === 'off' ? momentOf(now) : undefined;
  },

  async diskAccess(spec, vm, disk, snapshot) {
    const lab = await LabClient.of(spec);
    if (snapshot !== undefined) {
      const { disks } = await presentSnapshot(lab, vm, snapshot);
      const found = disks.find(({ id }) => id === disk.id);
      if (found === undefined) throw new LabSnapshotLost(vm.id, snapshot.name, `has no disk '${disk.id}'`);
      return { kind: 'nbd', ...found.nbd };
    }
    const path = `${vmPath(vm.id)}/disks/${encodeURIComponent(disk.id)}/export`;
    try {
      return { kind: 'nbd', ...(await lab.ask({ method: 'POST', path }, NbdExport)) };
    } catch (error) {
      throw error instanceof LabRefused && error.reason === 'is-on' ? new LabVmRuns(vm.id) : error;
    }
  },

  snapshots: labSnapshots,
  retire,
  connectedNics,
  restore,
};
