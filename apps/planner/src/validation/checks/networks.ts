import type { Condition, SourceNic, SourceVm } from '@ledgerlift/contracts';
import { condition, listed } from '../condition-types.js';
import { networkPairs, pairOfNic } from '../pairs.js';
import type { PlanFacts } from '../plan-facts.js';
import { checkSources } from './sources.js';

/** Every network is mapped, once; and every NIC that is on one. */
export function checkNetworksMapped(facts: PlanFacts): readonly Condition[] {
  const pairs = networkPairs(facts.networkMapping?.spec);
  const unmapped = nicsOf(facts).filter(
    ({ nic }) => nic.network !== '' && pairOfNic(nic, pairs, facts.inventory) === undefined,
  );
  const loose = nicsOf(facts).filter(({ nic }) => nic.network === '');
  return [
    ...[...Map.groupBy(unmapped, ({ nic }) => nic.network)].map(([network, on]) => {
      const vms = [...new Set(on.map(({ vm }) => vm.name))];
      return condition(
        'VMNetworksNotMapped',
        'NotMapped',
        `network '${network}' of ${listed(vms)} is not mapped`,
        [network, ...vms],
      );
    }),
    ...loose.map(({ vm, nic }) =>
      condition('VMNicNotConnected', 'NoNetwork', `NIC '${nic.name}' of '${vm.name}' is on no network`, [
        vm.name,
      ]),
    ),
    ...checkSources('network', pairs, facts.inventory?.networks),
  ];
}

/** No two NICs of the plan have one MAC address. */
export function checkMacs(facts: PlanFacts): readonly Condition[] {
  const byMac = Map.groupBy(nicsOf(facts), ({ nic }) => nic.mac?.toLowerCase());
  return [...byMac].flatMap(([mac, nics]) => {
    if (mac === undefined || nics.length < 2) return [];
    const vms = nics.map(({ vm }) => vm.name);
    return [
      condition('MacConflicts', 'NotUnique', `${mac} is that of ${nics.length} NICs, of ${listed(vms)}`, vms),
    ];
  });
}

function nicsOf({ vms }: PlanFacts): readonly { readonly vm: SourceVm; readonly nic: SourceNic }[] {
  const once = new Map(vms.flatMap(({ vm }) => (vm === undefined ? [] : [[vm.id, vm] as const])));
  return [...once.values()].flatMap((vm) => vm.nics.map((nic) => ({ vm, nic })));
}
