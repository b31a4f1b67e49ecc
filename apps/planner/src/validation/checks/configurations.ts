import type { Condition, SourceVm } from '@ledgerlift/contracts';
import { condition, listed } from '../condition-types.js';
import type { PlanFacts } from '../plan-facts.js';

/** The configuration of an OVF package that each VM is migrated in exists, and was chosen by somebody. */
export function checkConfigurations({ vms }: Pick<PlanFacts, 'vms'>): readonly Condition[] {
  return vms.flatMap(({ vm, entry, isCopied }) => {
    if (vm === undefined || isCopied) return [];
    return entry.configuration === undefined ? notChosen(vm) : notFound(vm, entry.configuration);
  });
}

function notFound(vm: SourceVm, named: string): readonly Condition[] {
  const { name, deployment } = vm;
  if (deployment?.configuration === named) return [];
  const items = [name, named];
  if (deployment === undefined) {
    const message = `'${name}' has no deployment configurations, and the plan names '${named}'`;
    return [condition('ConfigurationNotFound', 'NoConfigurations', message, items)];
  }
  const isKnown = deployment.available.some(({ id }) => id === named);
  const message = isKnown
    ? `the configuration '${named}' of '${name}' cannot be read, as the concerns of the VM say`
    : `'${name}' has no configuration '${named}'; it has ${configurationsOf(vm)}`;
  return [condition('ConfigurationNotFound', isKnown ? 'NotReadable' : 'NotFound', message, items)];
}

function notChosen(vm: SourceVm): readonly Condition[] {
  const { name, deployment } = vm;
  if (deployment === undefined || deployment.available.length < 2) return [];
  const message = `'${name}' has the configurations ${configurationsOf(vm)}, and is migrated in '${deployment.configuration}', the default of its package`;
  return [condition('ConfigurationNotChosen', 'DefaultTaken', message, [name])];
}

const MOST_SHOWN = 20;
const configurationsOf = ({ deployment }: SourceVm): string =>
  listed(deployment?.available.map(({ id }) => `'${id}'`) ?? [], MOST_SHOWN);
