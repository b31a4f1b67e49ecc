import type { Selector, SourceVm, VmCriteria } from '@ledgerlift/contracts';
import type { z } from 'zod';
import { matchesGlob } from './glob.js';
import { type KnownPlaces, type UnclearPlace, placesMeant } from './places.js';

/** By what VMs are picked, for a plan or by a search. */
export type Criteria = z.infer<typeof VmCriteria>;
/** What criteria mean in an inventory. */
export interface Meaning {
  /** Whether all that they say holds of the VM. */
  means(vm: SourceVm): boolean;
  /** What of them fits several places: they mean no VM. */
  readonly unclear: readonly UnclearPlace[];
}

/** Looks the places that the criteria name up, once for all VMs. */
export function meaningOf(selector: Criteria, known: KnownPlaces): Meaning {
  const { tag, attribute, name, powerState, os, minDisks, maxDisks, minBytes, maxBytes } = selector;
  const { folder, host, cluster, datacenter, storage, network } = selector;
  const { holds, unclear } = placesMeant({ folder, host, cluster, datacenter, storage, network }, known);
  const means = (vm: SourceVm): boolean =>
    holds(vm) &&
    (tag === undefined || (vm.tags ?? []).includes(tag)) &&
    (attribute === undefined || hasAttribute(vm.attributes ?? {}, attribute)) &&
    (name === undefined || matchesGlob(name, vm.name)) &&
    (powerState === undefined || vm.powerState === powerState) &&
    (os === undefined || vm.os.family === os) &&
    isWithin(vm.disks.length, minDisks, maxDisks) &&
    isWithin(capacityOf(vm), minBytes, maxBytes);
  return { means, unclear };
}

/** What the selector says of VMs, in words, such as `folder /prod/web, os linux`. */
export function describe(selector: Selector): string {
  const { folder, tag, attribute, name, powerState, os, host, cluster, datacenter, storage, network } =
    selector;
  const { minDisks, maxDisks, minBytes, maxBytes } = selector;
  const said = {
    folder,
    tag,
    attribute,
    name,
    powerState,
    os,
    host,
    cluster,
    datacenter,
    storage,
    network,
  };
  const limits = { minDisks, maxDisks, minBytes, maxBytes };
  return Object.entries({ ...said, ...limits })
    .flatMap(([key, value]) => (value === undefined ? [] : [`${key} ${value}`]))
    .join(', ');
}

/** @param wanted `name`, or `name=value` */
function hasAttribute(attributes: Readonly<Record<string, string>>, wanted: string): boolean {
  const at = wanted.indexOf('=');
  if (at === -1) return Object.hasOwn(attributes, wanted);
  return attributes[wanted.slice(0, at)] === wanted.slice(at + 1);
}

export const capacityOf = ({ disks }: SourceVm): number =>
  disks.reduce((sum, { capacityBytes }) => sum + Math.max(capacityBytes, 0), 0);

const isWithin = (count: number, min = 0, max = Number.POSITIVE_INFINITY): boolean =>
  count >= min && count <= max;
