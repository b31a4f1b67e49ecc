import type { Inventory, InventoryProblem, SourceVm } from '@ledgerlift/contracts';
import { configurationsOf } from './configurations.js';
import { OVA_STORAGE } from './disks.js';
import { BadOva, problemOf } from './errors.js';
import { diskNamedBy } from './hardware.js';
import { openPackage } from './package.js';
import { packagesAt } from './packages-at.js';
import { sharedReader } from './reading/package-reader.js';
import { diskReferences, fileReferences } from './references.js';
import { type Catalogue, exporterOf, networksOf, virtualSystems, vmOf } from './virtual-system.js';
import { type XmlElement, childOf, parseXml } from './xml.js';

/** The content of one .ova or .ovf. An unreadable VM does not hide the others. */
export interface PackageContents {
  readonly vms: readonly SourceVm[];
  readonly networks: readonly { readonly name: string; readonly description: string }[];
  readonly problems: readonly InventoryProblem[];
}

export async function readPackage(path: string): Promise<PackageContents> {
  try {
    const pkg = await openPackage(path);
    const envelope = parseXml(pkg.descriptor);
    if (envelope.name !== 'Envelope')
      throw new BadOva(
        'badOvf',
        `${path} begins with <${envelope.name.slice(0, 50)}>, not <Envelope>`,
        'Envelope',
      );
    const systems = virtualSystems(envelope);
    const catalogue: Catalogue = {
      pkg,
      files: fileReferences(envelope),
      disks: diskReferences(envelope),
      exportedBy: exporterOf(envelope),
      configurations: configurationsOf(envelope, systems),
      images: new Map(),
    };
    if (systems.length === 0)
      throw new BadOva('badOvf', `${path} holds no VirtualSystem`, 'Envelope.VirtualSystem');
    const vms: SourceVm[] = [];
    const problems: InventoryProblem[] = [];
    const told = new Set<unknown>();
    for (const system of systems) {
      const item = `${path}#${system.attributes.get('id') ?? ''}`;
      try {
        const vm = await vmOf(system, catalogue);
        if (vms.some(({ id }) => id === vm.id))
          throw new BadOva(
            'badOvf',
            `two virtual systems of ${path} have the id '${system.attributes.get('id') ?? ''}'`,
            'VirtualSystem.id',
          );
        vms.push(vm);
      } catch (error) {
        told.add(error);
        problems.push(problemOf(item, error));
      }
    }
    // Also report wrong entries that no VM uses.
    for (const entry of [...catalogue.files.values(), ...catalogue.disks.values()])
      if (entry instanceof BadOva && !told.has(entry)) problems.push(problemOf(path, entry));
    problems.push(...unusedDisks(path, systems, catalogue));
    return { vms, networks: networksOf(envelope), problems };
  } catch (error) {
    return { vms: [], networks: [], problems: [problemOf(path, error)] };
  }
}

/**
 * Reports disks that no item of any VM names, in any configuration: the exporter may have attached them in a way that we do not
 * read, and their data would be silently left behind.
 */
function unusedDisks(
  path: string,
  systems: readonly XmlElement[],
  { disks }: Catalogue,
): readonly InventoryProblem[] {
  const items = systems.flatMap((system) => childOf(system, 'VirtualHardwareSection')?.children ?? []);
  const used = new Set(items.map(diskNamedBy));
  return [...disks.values()].flatMap((disk) => {
    if (disk instanceof BadOva || disk.fileRef === undefined || used.has(disk.id)) return [];
    const message = `no VM of ${path} has the disk '${disk.id}', so it is not migrated; export the VM again if it is needed`;
    return [{ ...problemOf(path, new BadOva('unusedDisk', message, disk.field)), category: 'Warn' as const }];
  });
}

/** Reads every OVA at `path`: a file, or a folder and its subfolders. @throws BadOva if nothing can be read */
export async function readInventory(path: string, now: Date): Promise<Inventory> {
  const vms: SourceVm[] = [];
  const problems: InventoryProblem[] = [];
  const networks = new Map<string, string>();
  const packages = await packagesAt(path);
  problems.push(...packages.problems);
  for (const file of packages.paths) {
    const contents = await sharedReader.read(file);
    vms.push(...contents.vms);
    problems.push(...contents.problems);
    for (const { name, description } of contents.networks) networks.set(name, description);
    for (const { network } of contents.vms.flatMap(({ nics }) => nics)) {
      if (network !== '' && !networks.has(network)) networks.set(network, '');
    }
  }
  return {
    takenAt: now.toISOString(),
    vms,
    networks: [...networks].map(([name, description]) => ({ id: name, name, description })),
    storages: [{ id: OVA_STORAGE, name: OVA_STORAGE }],
    problems,
  };
}
