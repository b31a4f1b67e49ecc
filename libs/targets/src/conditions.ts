import {
  type Condition,
  type ConditionCatalogue,
  conditionsOf,
  listed,
  type SourceNic,
  type TargetNetwork,
  type TargetStorage,
} from '@ledgerlift/contracts';
import { claimNames } from './names.js';
import type { NetworkPair, PlanAtTarget, StoragePair, TargetView, VmAtTarget } from './plan.js';

/** Conditions that every kind of target may raise. Named as in Forklift, where Forklift has the condition. */
export const sharedConditionTypes = {
  VMAlreadyExists: {
    category: 'Critical',
    when: 'the name is already used in the target namespace, or another migration is creating it',
    wayOut: 'choose another `targetName` or `targetNamespace`, or remove the object that uses the name',
  },
  ClaimNameNotUnique: {
    category: 'Critical',
    when: 'the `pvcNameTemplate` gives disks of two VMs of the plan the same claim name',
    wayOut: 'put {target}, {vm} or {id} into the `pvcNameTemplate`, or choose other target names',
  },
  VMMultiplePodNetworkMappings: {
    category: 'Critical',
    when: 'more than one NIC of a VM is mapped to the pod network',
    wayOut: 'map the others to a multus network or to `ignored`',
  },
  VMNicKindNotSupported: {
    category: 'Critical',
    when: 'the target network does not support this kind of NIC',
    wayOut: 'map its network to one that does',
  },
  DestinationNetworkNotValid: {
    category: 'Critical',
    when: 'a network is mapped to one that the target does not have',
    wayOut: "correct the pair, or add the network to the target provider's settings",
  },
  DestinationStorageNotValid: {
    category: 'Critical',
    when: 'a storage is mapped to one that the target does not have (NotFound), or that does not offer the requested access or volume mode',
    wayOut: "correct the pair, or the storage in the target provider's settings",
  },
  MacConflicts: {
    category: 'Critical',
    when: 'two NICs of the plan have the same MAC address, or a VM at the target already uses it on the same network',
    wayOut: 'migrate them to different networks in different plans, or change one address',
  },
  MissingPvcForOnlyConversion: {
    category: 'Critical',
    when: 'the plan is for conversion only, and a disk of a VM is not at the target (NotFound), matches several candidates there (Ambiguous), differs in size from the source (OtherSize), cannot be converted in place (NotUsable), or belongs to another migration (InUse)',
    wayOut:
      "name the VM's disks in `disks` of the plan, or label each with `vmID` and, of several, `diskID`: a file in `<file>.labels.json`, a claim by its labels",
  },
} as const satisfies ConditionCatalogue;

const condition = conditionsOf(sharedConditionTypes);

/** Checks that the target names are free. Pure. */
export function checkNamesFree({ vms }: PlanAtTarget, taken: TargetView['taken']): readonly Condition[] {
  return vms.flatMap(({ vm, targetName, targetNamespace, isRetried }) => {
    const place = `${targetNamespace}/${targetName}`;
    const owner = taken.get(place);
    if (owner === undefined || isRetried) return [];
    return [condition('VMAlreadyExists', 'NotUnique', `'${place}' is taken: ${owner}`, [vm.name])];
  });
}

/** Checks that templates give no two VMs the same claim name. Claims of one VM differ by their disk number. Pure. */
export function checkClaimNames({ spec, vms }: PlanAtTarget): readonly Condition[] {
  if (spec.type === 'conversion') return [];
  const claims = vms.flatMap((at) =>
    claimNames(at).map((name) => ({ place: `${at.targetNamespace}/${name}`, at })),
  );
  return [...Map.groupBy(claims, ({ place }) => place)].flatMap(([place, each]) => {
    // VMs with the same target name already have a condition of their own.
    if (new Set(each.map(({ at }) => at.targetName)).size < 2) return [];
    const names = each.map(({ at }) => at.vm.name);
    const message = `the claim name '${place}' would be used by ${listed(names)}`;
    return [condition('ClaimNameNotUnique', 'NotUnique', message, names)];
  });
}

/** Checks that each disk of a conversion-only plan exists at the target exactly once, and has no other user. Pure. */
export function checkAdoptedDisks(
  { spec, vms }: PlanAtTarget,
  adopted: TargetView['adopted'],
): readonly Condition[] {
  if (spec.type !== 'conversion') return [];
  return vms.flatMap(({ vm }) =>
    (adopted.get(vm.id)?.problems ?? []).map(({ reason, message }) =>
      condition('MissingPvcForOnlyConversion', reason, `'${vm.name}': ${message}`, [vm.name]),
    ),
  );
}

/** Checks that the mapped target networks exist and support the kinds of NICs that will use them. Pure. */
export function checkNetworks(plan: PlanAtTarget, offered: readonly TargetNetwork[]): readonly Condition[] {
  const { spec, targetName } = plan;
  const missing = plan.networks.filter(
    ({ destination }) =>
      destination.type !== 'ignored' && networkOf(destination, offered, spec.targetNamespace) === undefined,
  );
  const refused = nicsOf(plan).flatMap(({ vm, nic, pair }) => {
    const network = pair && networkOf(pair.destination, offered, spec.targetNamespace);
    return network === undefined || network.nicKinds.includes(nic.kind) ? [] : [{ vm, nic, network }];
  });
  return [
    ...missing.map(({ source, destination }) => {
      const name = nameOf(destination, spec.targetNamespace);
      return condition(
        'DestinationNetworkNotValid',
        'NotFound',
        `'${source}' is mapped to ${name}, which '${targetName}' does not have`,
        [name],
      );
    }),
    ...refused.map(({ vm, nic, network }) => {
      const message = `'${network.name}' supports ${network.nicKinds.join(', ')}, but NIC '${nic.name}' of '${vm.name}' is ${nic.kind}`;
      return condition('VMNicKindNotSupported', 'KindNotAllowed', message, [vm.name]);
    }),
  ];
}

/** Checks that at most one NIC of a VM uses the pod network: KubeVirt connects no more. Pure. */
export function checkPodNetwork(plan: PlanAtTarget): readonly Condition[] {
  return oncePerVm(plan).flatMap(({ vm, networkOf: pairs }) => {
    const toPod = pairs.filter((pair) => pair?.destination.type === 'pod');
    if (toPod.length < 2) return [];
    return [
      condition(
        'VMMultiplePodNetworkMappings',
        'TooMany',
        `${toPod.length} NICs of '${vm.name}' are mapped to the pod network`,
        [vm.name],
      ),
    ];
  });
}

const oncePerVm = ({ vms }: PlanAtTarget): readonly VmAtTarget[] => [
  ...new Map(vms.map((each) => [each.vm.id, each])).values(),
];

function nicsOf(plan: PlanAtTarget): readonly {
  readonly vm: VmAtTarget['vm'];
  readonly nic: SourceNic;
  readonly pair: NetworkPair | undefined;
}[] {
  return oncePerVm(plan).flatMap(({ vm, networkOf: pairs }) =>
    vm.nics.map((nic, index) => ({ vm, nic, pair: pairs[index] })),
  );
}

function networkOf(
  destination: NetworkPair['destination'],
  offered: readonly TargetNetwork[],
  namespace: string,
): TargetNetwork | undefined {
  if (destination.type === 'ignored') return undefined;
  if (destination.type === 'pod') return offered.find(({ type }) => type === 'pod');
  const wanted = destination.namespace ?? namespace;
  return offered.find(
    ({ type, name, namespace: own }) =>
      type === 'multus' && name === destination.name && (own === undefined || own === wanted),
  );
}

function nameOf(destination: NetworkPair['destination'], namespace: string): string {
  return destination.type === 'multus'
    ? `multus ${destination.namespace ?? namespace}/${destination.name}`
    : `the ${destination.type} network`;
}

/** Checks that the mapped target storages exist and offer the requested access and volume modes. Pure. */
export function checkStorages(
  { storages, targetName }: PlanAtTarget,
  offered: readonly TargetStorage[],
): readonly Condition[] {
  return storages.flatMap(({ source, destination }) => {
    const { storageClass } = destination;
    const lack = lackOf(
      destination,
      offered.find(({ name }) => name === storageClass),
    );
    if (lack === undefined) return [];
    const message = `'${source}' is mapped to '${storageClass}', but '${targetName}' ${lack.message}`;
    return [condition('DestinationStorageNotValid', lack.reason, message, [storageClass])];
  });
}

/** The modes of a pair, with defaults that every storage class offers and every guest can use. */
export const modesAskedFor = ({ storageClass, accessMode, volumeMode }: StoragePair['destination']) =>
  ({
    storageClass,
    accessMode: accessMode ?? 'ReadWriteOnce',
    volumeMode: volumeMode ?? 'Filesystem',
  }) as const;

function lackOf(
  destination: StoragePair['destination'],
  offered: TargetStorage | undefined,
): { readonly reason: string; readonly message: string } | undefined {
  const { accessMode, volumeMode } = modesAskedFor(destination);
  if (offered === undefined) return { reason: 'NotFound', message: 'has no such storage' };
  if (!offered.accessModes.includes(accessMode))
    return {
      reason: 'AccessModeNotOffered',
      message: `offers it with ${offered.accessModes.join(', ')}, not ${accessMode}`,
    };
  if (!offered.volumeModes.includes(volumeMode))
    return {
      reason: 'VolumeModeNotOffered',
      message: `offers it with ${offered.volumeModes.join(', ')}, not ${volumeMode}`,
    };
  return undefined;
}
