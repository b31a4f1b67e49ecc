import type { ProviderSpec, SourceVm } from '@ledgerlift/contracts';
import { access, constants } from 'node:fs/promises';
import type { DiskAccess, SourceProvider } from '../port.js';
import { ovaConditionTypes, ovaPlanConditions } from './conditions.js';
import { verifyFiles } from './digests.js';
import type { OvaBacking } from './disks.js';
import { BadOva, problemOf } from './errors.js';
import { readInventory } from './inventory.js';
import { sharedReader } from './reading/package-reader.js';
import { makeBlank, unpack } from './unpack.js';

/** The provider for OVA files. Their VMs are always off, so power operations do nothing, and only cold migration is possible. */
export const ovaProvider: SourceProvider = {
  type: 'ova',
  migrationTypes: ['cold', 'conversion'],
  conversion: 'needed',
  conditionTypes: ovaConditionTypes,
  planConditions: ovaPlanConditions,
  concerns: { 'ova.source.unsupported': { type: 'UnsupportedOVFExportSource' } },
  unreadable: 'OVANotReadable',
  atRest: true,

  // Files have no address.
  hosts: () => [],

  async check(spec) {
    const path = pathOf(spec);
    try {
      await access(path, constants.R_OK);
      return [];
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return [
        problemOf(spec.name, new BadOva('unreadable', `${path} cannot be read: ${reason}`, 'settings.path')),
      ];
    }
  },

  inventory: (spec) => readInventory(pathOf(spec), new Date()),

  async verifyDigests(_spec, vm) {
    const { files, problems } = await sharedReader.digests(fileOf(vm));
    return [
      ...problems.map((problem) => ({ ...problem, item: vm.name })),
      ...(await verifyFiles(files, vm.name)),
    ];
  },

  async currentVm(_spec, vmId) {
    // The id is a hash of the path, so search the inventory for it.
    const { vms } = await readInventory(pathOf(_spec), new Date());
    return vms.find(({ id }) => id === vmId);
  },

  powerState: async () => 'off',
  powerOff: async (_spec, vm) => ({ momentId: vm.fingerprint, how: 'was-off' }),
  powerOn: async () => 'off',
  // A file cannot run, so it represents one moment until it changes.
  currentMoment: async (spec, vm) => (await ovaProvider.currentVm(spec, vm.id))?.fingerprint,

  diskAccess(spec, _vm, { backing, capacityBytes }) {
    if (backing.kind !== 'ova') throw new TypeError(`${spec.name} was given a disk of kind ${backing.kind}`);
    return accessTo(backing, capacityBytes);
  },
};

/** Returns the .ova or .ovf of a VM. The VM's path also contains the id of its virtual system. */
const fileOf = (vm: SourceVm): string => vm.path.slice(0, vm.path.lastIndexOf('#'));

function pathOf(spec: ProviderSpec): string {
  if (spec.type !== 'ova') throw new TypeError(`the OVA provider was given a provider of type ${spec.type}`);
  return spec.settings.path;
}

function accessTo(backing: OvaBacking, capacityBytes: number): DiskAccess {
  const driver = backing.format === 'vhd' ? 'vpc' : backing.format;
  const [first, ...rest] = backing.parts;
  if (first === undefined)
    return {
      kind: 'unpack',
      driver: 'raw',
      empty: true,
      unpackTo: (path) => makeBlank(path, capacityBytes),
    };
  if (rest.length === 0 && backing.compression === 'none') {
    const { file, offset, length } = first;
    return { kind: 'image', driver, file, within: { offset, length }, compressed: driver === 'vmdk' };
  }
  return {
    kind: 'unpack',
    driver,
    unpackTo: (path, signal) => unpack({ ...backing, capacityBytes }, path, signal),
  };
}
