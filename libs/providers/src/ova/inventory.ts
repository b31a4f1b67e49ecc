import { readdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import type { Inventory, InventoryProblem, SourceVm } from '@ledgerlift/contracts';
import { BadOva, problemOf } from './errors.js';
import { openPackage } from './package.js';
import { sharedReader } from './reading/package-reader.js';
import { diskReferences, fileReferences } from './references.js';
import { OVA_STORAGE, exporterOf, networksOf, virtualSystems, vmOf } from './virtual-system.js';
import { parseXml } from './xml.js';

const MOST_PACKAGES = 10_000;
const DEEPEST_FOLDER = 2;

/** What one .ova or .ovf holds. One VM that cannot be read does not hide the others. */
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
    const catalogue = {
      pkg,
      files: fileReferences(envelope),
      disks: diskReferences(envelope),
      exportedBy: exporterOf(envelope),
    };
    const systems = virtualSystems(envelope);
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
    // Entries that no VM uses are wrong too, and hinder nobody.
    for (const entry of [...catalogue.files.values(), ...catalogue.disks.values()])
      if (entry instanceof BadOva && !told.has(entry)) problems.push(problemOf(path, entry));
    return { vms, networks: networksOf(envelope), problems };
  } catch (error) {
    return { vms: [], networks: [], problems: [problemOf(path, error)] };
  }
}

/** Every OVA at `path`: a file, or a folder and the folders in it. @throws BadOva when there is nothing to read at all */
export async function readInventory(path: string, now: Date): Promise<Inventory> {
  const vms: SourceVm[] = [];
  const problems: InventoryProblem[] = [];
  const networks = new Map<string, string>();
  const packages = await packagesAt(path);
  for (const file of packages) {
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

const isPackage = (name: string): boolean => ['.ova', '.ovf'].includes(extname(name).toLowerCase());

async function packagesAt(path: string): Promise<readonly string[]> {
  const found = await stat(path).catch((error: unknown) => {
    throw new BadOva(
      'unreadable',
      `${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      'settings.path',
    );
  });
  if (found.isFile()) return [path];
  if (!found.isDirectory() || isPackage(path))
    throw new BadOva('unreadable', `${path} is neither a file nor a folder of OVAs`, 'settings.path');
  const packages: string[] = [];
  const look = async (folder: string, depth: number): Promise<void> => {
    for (const entry of (await readdir(folder, { withFileTypes: true })).sort((a, b) =>
      a.name < b.name ? -1 : 1,
    )) {
      const inner = join(folder, entry.name);
      if (entry.isDirectory() && depth < DEEPEST_FOLDER) await look(inner, depth + 1);
      else if (entry.isFile() && isPackage(entry.name)) packages.push(inner);
      if (packages.length > MOST_PACKAGES)
        throw new BadOva(
          'unsupported',
          `${path} holds more than ${MOST_PACKAGES} OVAs; name a smaller folder`,
          'settings.path',
        );
    }
  };
  await look(path, 0);
  return packages;
}
