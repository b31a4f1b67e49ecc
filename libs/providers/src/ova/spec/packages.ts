import { mkdir } from 'node:fs/promises';
import type { Inventory, ProviderSpec, SourceVm } from '@ledgerlift/contracts';
import {
  type OvaNic,
  type OvaSpec,
  type TemporaryFolder,
  buildOva,
  makeSmallDisk,
  temporaryFolder,
} from '@ledgerlift/testing';
import { ovaProvider } from '../provider.js';

/** Where a spec builds its packages. */
export interface Packages {
  readonly folder: TemporaryFolder;
  /** A small disk of 2 MiB. */
  readonly raw: string;
  /** Builds a package of one VM `web` with that disk, changed as asked. @returns the folder that holds it and nothing else */
  ova(change?: Partial<OvaSpec>): Promise<string>;
}

/** @param nics of the VM `web` */
export async function startPackages(name: string, nics: readonly OvaNic[]): Promise<Packages> {
  const folder = temporaryFolder(name);
  const raw = folder.file('disk.raw');
  await makeSmallDisk(raw, { size: 2 * 1024 * 1024 });
  let built = 0;
  return {
    folder,
    raw,
    ova: async (change = {}) => {
      built += 1;
      const own = folder.file(`ova-${built}`);
      await mkdir(own);
      await buildOva({ name: 'web', folder: own, vms: [{ name: 'web', disks: [{ raw }], nics }], ...change });
      return own;
    },
  };
}

export const specOf = (path: string): ProviderSpec => ({
  name: 'files',
  type: 'ova',
  sites: ['local'],
  settings: { path },
});
export const inventoryOf = (path: string): Promise<Inventory> => ovaProvider.inventory(specOf(path));

/** @throws Error if the folder holds problems, or not exactly one VM */
export async function onlyVm(path: string): Promise<SourceVm> {
  const { vms, problems } = await inventoryOf(path);
  const [vm] = vms;
  if (vm === undefined || vms.length > 1 || problems.length > 0)
    throw new Error(`${path} holds ${vms.length} VMs: ${JSON.stringify(problems)}`);
  return vm;
}
