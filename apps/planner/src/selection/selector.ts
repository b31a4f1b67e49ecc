import type { Inventory, Selector, SourceVm, VmCriteria } from '@ledgerlift/contracts';
import type { z } from 'zod';
import { matchesGlob } from './glob.js';

/** By what VMs are picked, for a plan or by a search. */
export type Criteria = z.infer<typeof VmCriteria>;
type Known = Pick<Inventory, 'networks' | 'storages'>;

/** Whether all that the selector says holds of the VM. */
export function means(selector: Criteria, vm: SourceVm, known: Known): boolean {
  const { folder, tag, attribute, name, powerState, os, host, cluster, datacenter, storage, network } =
    selector;
  const { minDisks, maxDisks, minBytes, maxBytes } = selector;
  return (
    (folder === undefined || isBelow(vm.folder, folder)) &&
    (tag === undefined || (vm.tags ?? []).includes(tag)) &&
    (attribute === undefined || hasAttribute(vm.attributes ?? {}, attribute)) &&
    (name === undefined || matchesGlob(name, vm.name)) &&
    (powerState === undefined || vm.powerState === powerState) &&
    (os === undefined || vm.os.family === os) &&
    (host === undefined || vm.host === host) &&
    (cluster === undefined || vm.cluster === cluster) &&
    (datacenter === undefined || vm.datacenter === datacenter) &&
    (storage === undefined ||
      vm.disks.some((disk) => isOn(storage, disk.storage, disk.storageId, known.storages))) &&
    (network === undefined ||
      vm.nics.some((nic) => isOn(network, nic.network, nic.networkId, known.networks))) &&
    isWithin(vm.disks.length, minDisks, maxDisks) &&
    isWithin(capacityOf(vm), minBytes, maxBytes)
  );
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

function isBelow(folder: string | undefined, wanted: string): boolean {
  if (folder === undefined) return false;
  const top = wanted.replace(/\/+$/, '');
  const own = folder.replace(/\/+$/, '');
  return own === top || own.startsWith(`${top}/`);
}

const isWithin = (count: number, min = 0, max = Number.POSITIVE_INFINITY): boolean =>
  count >= min && count <= max;

/** A selector calls networks and storages by id or name, and a name means all of that name. What the VM is on is told by its id. */
const isOn = (
  wanted: string,
  name: string,
  id: string | undefined,
  known: Known['networks' | 'storages'],
): boolean =>
  wanted === name ||
  known.some(
    (each) =>
      (each.id === wanted || each.name === wanted) &&
      (id === undefined ? each.id === name || each.name === name : each.id === id),
  );
