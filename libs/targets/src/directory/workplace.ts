import { existsSync } from 'node:fs';
import type { Release, Resource, VmRecord } from '@ledgerlift/contracts';
import { type TargetVm, virtualMachineManifest } from '../vm-model/index.js';
import { holderOfDisks, type VmFiles, workOnFiles } from '../files/vm-files.js';
import type { Guard, VmAtWork, Workplace } from '../workplace.js';
import { writeFileAtomic } from '../files/atomic-file.js';
import { diskPathsOf, openSubfolderOf, openVmFolder, resolveOwned, rootOf, seeFolder } from './folder.js';
import { layoutOf } from '../files/layout.js';
import { manifestsOf } from './manifests.js';
import { release, sweepDrafts } from './release.js';

/** The files of a VM, in its own folder. */
const filesOf = (record: VmRecord): VmFiles => ({
  record,
  root: rootOf(record),
  path: (name) => resolveOwned(record, name),
  pathToMake: (name) => openSubfolderOf(record, name),
  disks: () => diskPathsOf(record),
});

/** The folder of a VM, at which this process works itself. */
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

/** What a file of these kinds may have beside it: its predecessor, and a draft by the name that older versions gave it. */
const BESIDE: Partial<Record<Resource['kind'], readonly string[]>> = {
  'chunk-manifest': ['.new', '.previous'],
  'writer-record': ['.new'],
};

async function releaseAll(record: VmRecord, guard: Guard, resource: Resource): Promise<Release['how']> {
  for (const suffix of ['', ...(BESIDE[resource.kind] ?? [])].toReversed()) {
    await guard.stillOurs();
    const how = await release(record, { ...resource, name: `${resource.name}${suffix}` });
    if (suffix === '') return how;
  }
  return 'absent';
}

/** A directory runs nothing: what the VM is to do once it is applied to a cluster is in its manifest. */
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
