import { existsSync } from 'node:fs';
import type { Release, Resource, VmRecord } from '@ledgerlift/contracts';
import { libvirtDomain, pvcManifest, type TargetVm, virtualMachineManifest } from '../vm-model/index.js';
import type { Guard, LogKind, Purpose, Room, VmAtWork, WorkLog, Workplace } from '../workplace.js';
import { writeFileAtomic } from './atomic-file.js';
import { conversionAtWork } from './conversion-at-work.js';
import { bytesOnDisk, freeBytes } from './disks.js';
import { disksAtWork } from './disks-at-work.js';
import { diskHolder } from './disk-locks.js';
import { diskPathsOf, openSubfolderOf, openVmFolder, resolveOwned, seeFolder } from './folder.js';
import { layoutOf } from './layout.js';
import { release, sweepDrafts } from './release.js';

const logKinds = {
  migration: 'conversion',
  test: 'testConversion',
  inspection: 'preflightInspection',
} as const satisfies Record<Purpose, LogKind>;

/** The folder of a VM, at which this process works itself. */
export function workplace(record: VmRecord, guard: Guard): Promise<Workplace> {
  return Promise.resolve({
    open: async () => {
      await guard.stillOurs();
      await openVmFolder(record);
    },
    room: () => roomOf(record),
    disks: disksAtWork(record, guard),
    vm: vmAtWork(record, guard),
    conversion: (purpose) => conversionAtWork(record, guard, purpose, logOf(record, logKinds[purpose])),
    seeOurs: () => seeFolder(record),
    log: (kind) => logOf(record, kind),
    release: (resource) => releaseAll(record, guard, resource),
    sweepDrafts: async (kept) => {
      await guard.stillOurs();
      await sweepDrafts(record, kept);
    },
    // Nothing of it outlives a call.
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
}

async function roomOf(record: VmRecord): Promise<Room> {
  const where = record.target.settings.path;
  const paths = await diskPathsOf(record);
  return { where, freeBytes: await freeBytes(where), written: await Promise.all(paths.map(bytesOnDisk)) };
}

function logOf(record: VmRecord, kind: LogKind): WorkLog {
  const name = layoutOf(record).logs[kind];
  return { name, path: () => openSubfolderOf(record, name) };
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
function vmAtWork(record: VmRecord, guard: Guard): VmAtWork {
  const names = layoutOf(record);
  const { virtualMachine, domain } = names.manifests;
  const write = async (name: string, content: string): Promise<void> => {
    const path = await openSubfolderOf(record, name);
    await guard.stillOurs();
    await writeFileAtomic(path, content);
  };
  return {
    create: async (vm: TargetVm) => {
      const claims = names.disks.flatMap(({ pvcManifest: name }, index) => {
        const disk = vm.disks[index];
        return disk === undefined ? [] : [[name, pvcManifest(vm, disk)] as const];
      });
      for (const [name, content] of claims) await write(name, content);
      await write(virtualMachine, virtualMachineManifest({ ...vm, runStrategy: 'Halted' }));
      // A domain starts only when somebody starts it, for libvirt keeps autostart outside of it.
      await write(domain, libvirtDomain(vm, await diskPathsOf(record)));
      return [...claims.map(([name]) => name), virtualMachine, domain];
    },
    isCreated: async () => existsSync(await resolveOwned(record, virtualMachine)),
    setRunStrategy: async (vm: TargetVm) => {
      await write(virtualMachine, virtualMachineManifest(vm));
      return `halted (runStrategy ${vm.runStrategy})`;
    },
    holder: async () => {
      for (const path of await diskPathsOf(record)) {
        const who = await diskHolder(path, guard.signal);
        if (who !== undefined) return { path, who };
      }
      return undefined;
    },
  };
}
