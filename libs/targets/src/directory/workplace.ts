import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Release, Resource, VmRecord } from '@ledgerlift/contracts';
import { writeFileAtomic } from '../files/paths.js';
import { filesOfResource, layoutOf } from '../files/layout.js';
import { holderOfDisks, type VmFiles, workOnFiles } from '../files/vm-files.js';
import type { RenderedFile } from '../port.js';
import { libvirtDomain, pvcManifest, type TargetVm, virtualMachineManifest } from '../vm-model/index.js';
import type { Guard, VmAtWork, Workplace } from '../workplace.js';
import { diskPathsOf, openSubfolderOf, openVmFolder, resolveOwned, rootOf, seeFolder } from './folder.js';
import { release, sweepDrafts } from './release.js';

/** Locates a VM's files in its own folder. */
const filesOf = (record: VmRecord): VmFiles => ({
  record,
  root: rootOf(record),
  path: (name) => resolveOwned(record, name),
  pathToMake: (name) => openSubfolderOf(record, name),
  disks: () => diskPathsOf(record),
});

/** Opens the folder of a VM as a workplace of this process. */
export function workplace(record: VmRecord, guard: Guard): Promise<Workplace> {
  const files = filesOf(record);
  return Promise.resolve({
    ...workOnFiles(files, guard),
    open: async () => {
      await guard.stillOurs();
      await openVmFolder(record);
    },
    vm: vmAtWork(files, guard),
    seeOurs: () => seeFolder(record),
    release: (resource) => releaseAll(record, guard, resource),
    sweep: async (kept) => {
      await guard.stillOurs();
      await sweepDrafts(record, kept);
    },
  });
}

async function releaseAll(record: VmRecord, guard: Guard, resource: Resource): Promise<Release['how']> {
  let how: Release['how'] = 'absent';
  for (const name of filesOfResource(resource)) {
    await guard.stillOurs();
    how = await release(record, { ...resource, name });
  }
  return how;
}

/** A directory runs no VMs. The manifest states the run strategy for the cluster to which it will be applied. */
function vmAtWork(files: VmFiles, guard: Guard): VmAtWork {
  const { record } = files;
  const { virtualMachine } = layoutOf(record).manifests;
  const write = async (name: string, content: string): Promise<void> => {
    const path = await files.pathToMake(name);
    await guard.stillOurs();
    await writeFileAtomic(path, content);
  };
  return {
    create: async (vm: TargetVm) => {
      const manifests = manifestsOf(record, { ...vm, runStrategy: 'Halted' }, await files.disks());
      for (const { name, content } of manifests) await write(name, content);
      return manifests.map(({ name }) => name);
    },
    isCreated: async () => existsSync(await files.path(virtualMachine)),
    setRunStrategy: async (vm: TargetVm) => {
      await write(virtualMachine, virtualMachineManifest(vm));
      return `halted (runStrategy ${vm.runStrategy})`;
    },
    holder: holderOfDisks(files, guard),
  };
}

/** Renders each claim, the VM and its libvirt domain. Names are relative to the target's root. Pure. @param disks absolute paths */
export function manifestsOf(
  record: VmRecord,
  vm: TargetVm,
  disks: readonly string[] = record.disks.map(({ name }) => join(rootOf(record), name)),
): readonly RenderedFile[] {
  const { manifests, disks: names } = layoutOf(record);
  const claims = names.flatMap(({ pvcManifest: name }, index) => {
    const disk = vm.disks[index];
    return disk === undefined ? [] : [{ name, content: pvcManifest(vm, disk) }];
  });
  return [
    ...claims,
    { name: manifests.virtualMachine, content: virtualMachineManifest(vm) },
    // libvirt keeps autostart outside the domain, so it starts only when a user starts it.
    { name: manifests.domain, content: libvirtDomain(vm, disks) },
  ];
}
