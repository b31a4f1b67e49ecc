import type { ConditionCatalogue } from '@ledgerlift/contracts';

/** Conditions that targets of any kind raise. Names are Forklift's where it has one. */
export const sharedConditionTypes = {
  VMAlreadyExists: {
    category: 'Critical',
    when: 'the target has something of the same name in the namespace, or another migration is making it',
    wayOut: 'choose another `targetName` or `targetNamespace`, or take away what is there',
  },
  ClaimNameNotUnique: {
    category: 'Critical',
    when: 'by its `pvcNameTemplate`, the disks of two VMs of the plan would have claims of one name',
    wayOut: 'put {target}, {vm} or {id} into the `pvcNameTemplate`, or choose other target names',
  },
  VMMultiplePodNetworkMappings: {
    category: 'Critical',
    when: 'more than one NIC of a VM goes to the pod network',
    wayOut: 'map the others to a multus network or to `ignored`',
  },
  VMNicKindNotSupported: {
    category: 'Critical',
    when: 'the target network does not allow the kind of the NIC',
    wayOut: 'map its network to one that does',
  },
  DestinationNetworkNotValid: {
    category: 'Critical',
    when: 'a pair leads to a network that the target does not have',
    wayOut: "correct the pair, or add the network to the target provider's settings",
  },
  DestinationStorageNotValid: {
    category: 'Critical',
    when: 'a pair leads to a storage that the target does not have (NotFound), or asks for an access or volume mode that it does not offer',
    wayOut: "correct the pair, or the storage in the target provider's settings",
  },
  MacConflicts: {
    category: 'Critical',
    when: 'two NICs of the plan have one MAC address, or a VM at the target has it on the same network',
    wayOut: 'migrate them to different networks in different plans, or change one',
  },
  MissingPvcForOnlyConversion: {
    category: 'Critical',
    when: 'the plan is for conversion only, and a disk of a VM is not at the target (NotFound), is there several times (Ambiguous), has another size than at the source (OtherSize), cannot be converted where it lies (NotUsable), or belongs to another migration (InUse)',
    wayOut:
      "name the VM's disks in `disks` of the plan, or label each with `vmID` and, of several, `diskID`: a file in `<file>.labels.json`, a claim by its labels",
  },
} as const satisfies ConditionCatalogue;
