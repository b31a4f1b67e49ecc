import type { ConditionCatalogue } from '@ledgerlift/contracts';

/** What can stand against a plan because its target is a cluster with KubeVirt. Names are Forklift's where it has one. */
export const kubevirtConditionTypes = {
  NamespaceNotValid: {
    category: 'Critical',
    when: "a target namespace is not among those of the target's settings (NotAllowed), is not there (NotFound), or is being deleted (Ending)",
    wayOut: "choose another `targetNamespace`, create it, or add it to the target provider's `namespaces`",
  },
  RestrictedPodSecurity: {
    category: 'Warn',
    when: 'the target namespace admits only pods of the security level `restricted`, which the pods of VMs and of conversion are not',
    wayOut: 'label the namespace `pod-security.kubernetes.io/enforce: privileged`, or choose another',
  },
  TargetRightsMissing: {
    category: 'Critical',
    when: 'the account that Ledgerlift uses in the cluster lacks rights that a migration needs',
    wayOut: 'apply the roles that Ledgerlift prints for the target',
  },
  TargetNotKnown: {
    category: 'Critical',
    when: 'the plan depends on a kind of object that the cluster does not have (NotInstalled), or that could not be read (NotRead)',
    wayOut: 'install what defines the kind, or see to it that it can be read, and validate again',
  },
  TargetViewOutdated: {
    category: 'Warn',
    when: 'the cluster no longer tells of its changes, so that the plan is judged by what it had before',
    wayOut: 'validate again once the cluster answers',
  },
  WorkerPodsNotValid: {
    category: 'Critical',
    when: "the target's settings do not say how worker pods are made (NotConfigured), or name a scratch storage class that is not there (ScratchStorageNotFound)",
    wayOut: "complete `worker` in the target's settings",
  },
  TransferNetworkNotValid: {
    category: 'Critical',
    when: 'worker pods are to read their sources over a network that is not there',
    wayOut: "correct `worker.transferNetwork` in the target's settings, or make the network",
  },
  NetMapDestinationNADNotValid: {
    category: 'Critical',
    when: "a pair leads to a multus network that is neither in the VM's namespace nor in `default`",
    wayOut: "map to a network of the VM's namespace or of `default`",
  },
  VMNotLiveMigratable: {
    category: 'Warn',
    when: 'a disk of a VM becomes a claim that only one node can use at a time, so that the VM cannot be moved to another node while it runs',
    wayOut: 'use the access mode ReadWriteMany if the VM must be moved',
  },
  SharedDiskNotSharable: {
    category: 'Warn',
    when: 'a disk is shared at the source, and its claim could not be shared by VMs on several nodes',
    wayOut: 'use the access mode ReadWriteMany if it is to be shared again',
  },
  TargetVolumesMissing: {
    category: 'Critical',
    when: 'a storage class makes no volumes by itself, and has fewer free ones that fit than the plan has disks for it',
    wayOut: 'add volumes, or map to a storage class that makes them',
  },
  TargetQuotaExceeded: {
    category: 'Critical',
    when: 'the VMs of the plan, together, need more than a quota of their namespace has left',
    wayOut: 'raise the quota, remove what uses it, or take VMs out of the plan',
  },
  TargetLimitExceeded: {
    category: 'Critical',
    when: 'the claim of a disk is larger or smaller than a limit range of its namespace allows',
    wayOut: 'change the limit range, or choose another `targetNamespace`',
  },
  NoNodeTakesVMs: {
    category: 'Critical',
    when: 'no node of the cluster is ready and takes VMs',
    wayOut: 'mend a node, uncordon it, or see to it that virt-handler runs there',
  },
  VMLargerThanNodes: {
    category: 'Warn',
    when: 'a VM needs more memory or CPU than any node has that takes VMs',
    wayOut: 'add a larger node, or make the VM smaller, before it is started',
  },
  TPMStateHasNoStorage: {
    category: 'Critical',
    when: 'a VM has a TPM, whose state KubeVirt keeps in a claim of the default storage class, and there is none',
    wayOut: "make a storage class the default, or name one in KubeVirt's `vmStateStorageClass`",
  },
  InstanceTypeNotValid: {
    category: 'Critical',
    when: 'an instance type that the plan names is not in the cluster or the namespace (NotFound), so that the VM would not start, or says what the plan says, too (Conflict), so that KubeVirt refuses the VM',
    wayOut: 'create it, name another `instanceType`, or leave out what it says',
  },
  InstanceTypeSmaller: {
    category: 'Warn',
    when: 'an instance type has fewer CPUs, or less memory, than the VM has at the source',
    wayOut: 'choose a larger `instanceType`, if the guest needs what it had',
  },
  PreferenceNotValid: {
    category: 'Critical',
    when: 'a preference that the plan names is not in the cluster or the namespace',
    wayOut: 'create it, or name another `preference`',
  },
  NodeSelectorMatchesNone: {
    category: 'Warn',
    when: 'no node has all labels of a `targetNodeSelector`, so that the VM would not start',
    wayOut: 'label a node, or change the `targetNodeSelector`',
  },
  SectorSizeNotKept: {
    category: 'Critical',
    when: 'a disk has sectors of 4,096 bytes, and a raw copy in compatibility mode puts it on SATA, which has 512 only: the guest would not find its partitions',
    wayOut: 'convert the guest, or set `useCompatibilityMode: false` if it has virtio drivers',
  },
  AddressInServiceRange: {
    category: 'Warn',
    when: "an address of a guest (Guest) or of the source (Source) is in the range of the cluster's services, so that pods do not reach it",
    wayOut: 'give it another address, or run the workers outside the cluster',
  },
} as const satisfies ConditionCatalogue;
