import { createHash } from 'node:crypto';
import type { Concern, SourceDisk, SourceVm } from '@ledgerlift/contracts';
import { littleMemory, ovaConcerns, unreadableConfiguration } from './concerns.js';
import type { Configurations } from './configurations.js';
import { type ReadImage, diskOf } from './disks.js';
import { BadOva } from './errors.js';
import { hardwareOf } from './hardware.js';
import type { OvaPackage } from './package.js';
import type { DiskReference, FileReference, References } from './references.js';
import { type XmlElement, childOf, childrenOf, textOf } from './xml.js';

export interface Catalogue {
  readonly pkg: OvaPackage;
  readonly files: References<FileReference>;
  readonly disks: References<DiskReference>;
  readonly exportedBy: string;
  readonly configurations: Configurations;
  /** What was read of an image already, by disk: many VMs and configurations may have one disk. */
  readonly images: Map<string, Promise<ReadImage>>;
}

/** Lists the virtual systems of an envelope: one, or all in a nested collection. */
export function virtualSystems(element: XmlElement): readonly XmlElement[] {
  return element.children.flatMap((child) => {
    if (child.name === 'VirtualSystem') return [child];
    return child.name === 'VirtualSystemCollection' ? virtualSystems(child) : [];
  });
}

/**
 * Converts a virtual system to a VM in its default configuration, and adds its hardware in each of the other configurations.
 *
 * @throws BadOva
 */
export async function vmOf(system: XmlElement, catalogue: Catalogue): Promise<SourceVm> {
  const { pkg, exportedBy, configurations } = catalogue;
  const systemId = system.attributes.get('id') ?? '';
  const name = textOf(system, 'Name') || systemId;
  if (name === '') throw new BadOva('badOvf', 'a virtual system has neither id nor name', 'VirtualSystem.id');
  const { chosen, available } = configurations;
  const own = {
    id: shortHash(`${pkg.path}\n${systemId}`),
    name,
    path: `${pkg.path}#${systemId}`,
    powerState: 'off' as const,
    os: osOf(childOf(system, 'OperatingSystemSection')),
    exportedBy,
  };
  const read = async (configuration: string | undefined): Promise<InConfiguration> => {
    const { concerns, ...hardware } = await hardwareIn(system, configuration, catalogue);
    return { ...hardware, concerns: [...concerns, ...ovaConcerns({ ...own, ...hardware })] };
  };
  const vm = { ...own, ...(await read(chosen)) };
  if (chosen === undefined) return { ...vm, fingerprint: fingerprintOf(pkg, vm) };
  const others: NonNullable<SourceVm['deployment']>['others'] = [];
  const concerns = [...vm.concerns];
  for (const { id } of available.filter((each) => each.id !== chosen)) {
    try {
      others.push({ configuration: id, ...(await read(id)) });
    } catch (error) {
      if (!(error instanceof BadOva)) throw error;
      concerns.push(unreadableConfiguration(id, error.message));
    }
  }
  const deployment = { configuration: chosen, available: [...available], others };
  // One fingerprint covers all configurations, so that any change of the package is noticed.
  return { ...vm, concerns, deployment, fingerprint: fingerprintOf(pkg, { ...vm, deployment }) };
}

/**
 * Covers everything that a migration relies on. Excludes concerns, because another version may word them differently. Keeps the field
 * order of earlier versions, so that a migration survives an upgrade.
 */
function fingerprintOf({ stamp }: OvaPackage, vm: Omit<SourceVm, 'fingerprint'>): string {
  const { id, name, path, powerState, cpu, memory, firmware, secureBoot, tpm, os, disks, nics } = vm;
  const { exportedBy, deployment } = vm;
  const known = { id, name, path, powerState, cpu, memory, firmware, secureBoot, tpm, os, disks, nics };
  const all = { ...known, exportedBy, ...(deployment === undefined ? {} : { deployment }) };
  const withoutConcerns = (key: string, value: unknown): unknown => (key === 'concerns' ? undefined : value);
  return shortHash(JSON.stringify([stamp, all], withoutConcerns));
}

type InConfiguration = Pick<
  SourceVm,
  'cpu' | 'memory' | 'firmware' | 'secureBoot' | 'tpm' | 'disks' | 'nics' | 'concerns'
>;

async function hardwareIn(
  system: XmlElement,
  configuration: string | undefined,
  catalogue: Catalogue,
): Promise<InConfiguration> {
  const field = `VirtualSystem[${system.attributes.get('id') ?? ''}]`;
  const hardware = hardwareOf(system, configuration, field);
  const disks: SourceDisk[] = [];
  const concerns: Concern[] = [...littleMemory(hardware.memoryBytes)];
  for (const drive of hardware.disks) {
    const read = await diskOf(drive, catalogue);
    disks.push(read.disk);
    concerns.push(...read.concerns);
  }
  return {
    cpu: {
      count: hardware.cpus,
      coresPerSocket: hardware.coresPerSocket,
      affinity: [...hardware.cpuAffinity],
      hotAdd: hardware.cpuHotAdd,
    },
    memory: { bytes: hardware.memoryBytes, hotAdd: hardware.memoryHotAdd },
    firmware: hardware.firmware,
    secureBoot: hardware.secureBoot,
    tpm: hardware.tpm,
    disks,
    nics: [...hardware.nics],
    concerns,
  };
}

function osOf(section: XmlElement | undefined): SourceVm['os'] {
  const vboxType = textOf(section, 'OSType');
  const id = section?.attributes.get('osType') ?? (vboxType || (section?.attributes.get('id') ?? ''));
  const description = textOf(section, 'Description') || id;
  const words = `${id} ${description}`.toLowerCase();
  const family = /windows|winnet|win\d/.test(words)
    ? 'windows'
    : /linux|debian|ubuntu|rhel|centos|suse|sles|fedora|rocky|alma|oracle|coreos|photon/.test(words)
      ? 'linux'
      : words.trim() === ''
        ? 'unknown'
        : 'other';
  return { id, description, family };
}

const shortHash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 32);

/** Detects the exporter of an OVF by its namespaces, because the standard has no field for it. */
export function exporterOf(envelope: XmlElement): string {
  const spaces = [...envelope.attributes].map(([key, value]) => `${key}=${value}`).join(' ');
  if (/virtualbox/i.test(spaces)) return 'VirtualBox';
  if (/vmware/i.test(spaces)) return 'VMware';
  if (/ovirt/i.test(spaces) || virtualSystems(envelope).some(isOfOvirt)) return 'oVirt';
  return /citrix|xenserver/i.test(spaces) ? 'XenServer' : 'unknown';
}

/** Engines before 4.2 declare no namespace of their own. */
const isOfOvirt = (system: XmlElement): boolean =>
  /^(ENGINE|RHEVM|OLVM|oVirt)\b/i.test(
    textOf(childOf(childOf(system, 'VirtualHardwareSection'), 'System'), 'VirtualSystemType'),
  );

/** @returns names and descriptions of the networks that an envelope declares */
export function networksOf(
  envelope: XmlElement,
): readonly { readonly name: string; readonly description: string }[] {
  return childrenOf(childOf(envelope, 'NetworkSection'), 'Network').flatMap((network) => {
    const name = network.attributes.get('name') ?? '';
    return name === '' ? [] : [{ name, description: textOf(network, 'Description') }];
  });
}
