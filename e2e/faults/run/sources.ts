import { existsSync, renameSync } from 'node:fs';
import { copyFile, rm } from 'node:fs/promises';
import { buildOva, type LabHypervisor, makeSmallDisk } from '@ledgerlift/testing';
import type { RunScript, VmScript } from '../script/script.js';
import type { World } from '../world/world.js';

/** A line of the lab's journal. */
export type JournalLine = Awaited<ReturnType<LabHypervisor['journal']>>[number];

const MiB = 1024 * 1024;

/** The source VMs of one run, and what their disks held. */
export class Sources {
  private constructor(
    private readonly world: World,
    private readonly script: RunScript,
    /** Ids of the VMs at the lab, by name. */
    private readonly ids: ReadonlyMap<string, string>,
  ) {}

  static async make(world: World, script: RunScript): Promise<Sources> {
    const ids = new Map<string, string>();
    if (script.source === 'ova') await makeOva(world, script);
    else for (const vm of script.vms) ids.set(vm.name, await makeLabVm(world, script, vm));
    return new Sources(world, script, ids);
  }

  /** The VM's id at the lab. */
  idOf(vm: VmScript): string {
    return this.ids.get(vm.name) ?? '';
  }

  get ovaPath(): string {
    return this.world.folder.file('ovas', `r${this.script.run}.ova`);
  }

  /** The OVA is away for as long as this is not undone. */
  vanish(): void {
    if (existsSync(this.ovaPath)) renameSync(this.ovaPath, this.#awayPath);
  }

  comeBack(): void {
    if (existsSync(this.#awayPath)) renameSync(this.#awayPath, this.ovaPath);
  }

  /** Path of the image with what the source's disk holds. @param disk its number */
  imageOf(vm: VmScript, disk: number): { readonly path: string; readonly format: 'raw' | 'qcow2' } {
    return this.script.source === 'ova'
      ? { path: rawOf(this.world, vm, disk), format: 'raw' }
      : { path: this.world.folder.file('lab', 'vms', this.idOf(vm), `disk-${disk}.qcow2`), format: 'qcow2' };
  }

  async remove(): Promise<void> {
    for (const id of this.ids.values()) await this.world.lab.do('DELETE', `/vms/${id}`);
    if (this.script.source === 'ova') await rm(this.ovaPath, { force: true });
    for (const vm of this.script.vms)
      for (const n of vm.disks.keys()) await rm(rawOf(this.world, vm, n), { force: true });
  }

  get #awayPath(): string {
    return this.world.folder.file('work', `r${this.script.run}.ova`);
  }
}

const rawOf = (world: World, { name }: VmScript, disk: number): string =>
  world.folder.file('work', `${name}-${disk}.raw`);

async function makeOva(world: World, { run, vms }: RunScript): Promise<void> {
  const made = await Promise.all(
    vms.map(async (vm) => {
      const disks = await Promise.all(
        vm.disks.map(async ({ mib, seed, filled, packing }, n) => {
          const raw = rawOf(world, vm, n);
          await makeSmallDisk(raw, { size: mib * MiB, seed, filled });
          if (packing === 'gzip') return { raw, compression: 'gzip' as const };
          if (packing === 'chunks') return { raw, chunkSize: MiB };
          return { raw, subformat: packing };
        }),
      );
      return { name: vm.name, disks, nics: [{ network: 'VM Network' }] };
    }),
  );
  // Built elsewhere, and moved in whole: the folder is read by others at any time.
  const { path } = await buildOva({ name: `r${run}`, folder: world.folder.file('work'), vms: made });
  await copyFile(path, world.folder.file('ovas', `r${run}.ova`));
  await rm(path);
}

async function makeLabVm(world: World, { source }: RunScript, vm: VmScript): Promise<string> {
  const { name, afterCrash, ignoresShutdown } = vm;
  const id = await world.lab.createVm({
    id: name,
    name,
    nics: [{ id: 'nic-0', name: 'nic', network: 'VM Network' }],
    disks: vm.disks.map(({ id: disk, mib, seed, filled }, unit) => ({
      id: disk,
      capacityBytes: mib * MiB,
      seed,
      filled,
      unit,
    })),
    workload: { roundsPerSecond: source === 'lab-warm' ? 20 : 5, regionBytes: MiB },
    behaviour: { afterCrash, ignoresShutdown },
  });
  if (vm.wasOn) await world.lab.power(id, 'on');
  return id;
}
