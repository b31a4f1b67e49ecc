import type { Selector, SourceVm, VmCriteria } from '@ledgerlift/contracts';
import type { z } from 'zod';
import { type KnownPlaces, type UnclearPlace, placesMeant } from './places.js';

/** Criteria for VMs, in a plan or a search. */
export type Criteria = z.infer<typeof VmCriteria>;
/** Criteria resolved against an inventory. */
export interface Meaning {
  /** Whether the VM meets all criteria. */
  means(vm: SourceVm): boolean;
  /** Names that match several places. If there are any, no VM matches. */
  readonly unclear: readonly UnclearPlace[];
}

/** Resolves the places in the criteria, once for all VMs. */
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

/** The selector's criteria in words, such as `folder /prod/web, os linux`. */
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

/**
 * Whether a name matches a pattern in which `*` stands for any characters and `?` for one. Takes at most the product of both
 * lengths, where a regular expression made from `*a*a*a*b` would take forever.
 */
export function matchesGlob(pattern: string, name: string): boolean {
  const [wanted, given] = [[...pattern], [...name]];
  let [at, position] = [0, 0];
  // The position of the last `*`, and how far it has been stretched.
  let [star, stretched] = [-1, 0];
  while (position < given.length) {
    if (wanted[at] === '*') {
      [star, stretched] = [at, position];
      at += 1;
    } else if (at < wanted.length && (wanted[at] === '?' || wanted[at] === given[position])) {
      at += 1;
      position += 1;
    } else if (star >= 0) {
      stretched += 1;
      [at, position] = [star + 1, stretched];
    } else {
      return false;
    }
  }
  return wanted.slice(at).every((rest) => rest === '*');
}
