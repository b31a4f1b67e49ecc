import { BlockList, isIP } from 'node:net';
import { type Condition, conditionsOf } from '@ledgerlift/contracts';
import type { PlanAtTarget } from '../../plan.js';
import type { ClusterView } from '../inventory/cluster-inventory.js';
import { kubevirtConditionTypes } from './condition-types.js';

const condition = conditionsOf(kubevirtConditionTypes);

/** Neither guests nor the source have addresses that the cluster takes for services of its own. Pure. */
export function checkAddresses(plan: PlanAtTarget, { serviceRanges }: ClusterView): readonly Condition[] {
  const cidrs = serviceRanges.flatMap((range) => range.cidrs);
  const services = blockList(cidrs);
  const isService = (ip: string): boolean => {
    const version = isIP(ip);
    return version !== 0 && services.check(ip, version === 4 ? 'ipv4' : 'ipv6');
  };
  const range = `in the range of services, ${cidrs.join(', ')}`;
  const guests = plan.vms.flatMap(({ vm }) => {
    const inside = (vm.guest?.nics ?? []).flatMap(({ addresses }) =>
      addresses.map(({ ip }) => ip).filter(isService),
    );
    if (inside.length === 0) return [];
    const message = `${inside.join(', ')} of '${vm.name}' is ${range}`;
    return [condition('AddressInServiceRange', 'Guest', message, [vm.name])];
  });
  const hosts = plan.sourceHosts
    .filter(isService)
    .map((host) =>
      condition('AddressInServiceRange', 'Source', `the address of the source, ${host}, is ${range}`, [host]),
    );
  return [...guests, ...hosts];
}

function blockList(cidrs: readonly string[]): BlockList {
  const list = new BlockList();
  for (const cidr of cidrs) {
    const [address = '', bits = ''] = cidr.split('/');
    const version = isIP(address);
    if (version !== 0) list.addSubnet(address, Number(bits), version === 4 ? 'ipv4' : 'ipv6');
  }
  return list;
}
