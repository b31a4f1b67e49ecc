import { type ConditionCatalogue, conditionsOf } from '@ledgerlift/contracts';
import { sharedConditionTypes } from '../../conditions.js';

/** Conditions that only KubeVirt targets raise. Named as in Forklift, where Forklift has the condition. */
export const kubevirtConditionTypes = {
  NamespaceNotValid: {
    category: 'Critical',
    when: "a target namespace is not in the target's settings (NotAllowed), does not exist (NotFound), or is being deleted (Ending)",
    wayOut: "choose another `targetNamespace`, create it, or add it to the target provider's `namespaces`",
  },
  RestrictedPodSecurity: {
    category: 'Warn',
    when: 'the target namespace admits only pods of the security level `restricted`, but pods of VMs and of conversion need more',
    wayOut: 'label the namespace `pod-security.kubernetes.io/enforce: privileged`, or choose another',
  },
  TargetRightsMissing: {
    category: 'Critical',
    when: "Ledgerlift's account in the cluster lacks rights that a migration needs",
    wayOut: 'apply the roles that Ledgerlift prints for the target',
  },
  TargetNotKnown: {
    category: 'Critical',
    when: 'the plan depends on a kind of object that the cluster does not have (NotInstalled), or that could not be read (NotRead)',
    wayOut: 'install the software that defines the kind, or make it readable, then validate again',
  },
  TargetViewOutdated: {
    category: 'Warn',
    when: 'the cluster stopped reporting changes, so the plan was checked against an older state',
    wayOut: 'validate again once the cluster answers',
  },
  WorkerPodsNotValid: {
    category: 'Critical',
    when:
      "the target's settings do not configure worker pods (NotConfigured), name a scratch storage class that does not exist " +
      '(ScratchStorageNotFound), or lack a limit that a quota counts (LimitMissing)',
    wayOut: "complete `worker` in the target's settings",
  },
  TransferNetworkNotValid: {
    category: 'Critical',
    when: "the target's settings name a transfer network for worker pods that does not exist",
    wayOut: "correct `worker.transferNetwork` in the target's settings, or create the network",
  },
  NetMapDestinationNADNotValid: {
    category: 'Critical',
    when: "a network is mapped to a multus network that is neither in the VM's namespace nor in `default`",
    wayOut: "map to a network of the VM's namespace or of `default`",
  },
  VMNotLiveMigratable: {
    category: 'Warn',
    when: 'a disk of a VM becomes a claim that only one node can use at a time, so the VM cannot be live-migrated',
    wayOut: 'use the access mode ReadWriteMany if the VM needs live migration',
  },
  SharedDiskNotSharable: {
    category: 'Warn',
    when: 'a disk is shared at the source, but VMs on several nodes cannot share its claim',
    wayOut: 'use the access mode ReadWriteMany if the target VMs share it too',
  },
  TargetVolumesMissing: {
    category: 'Critical',
    when: 'a storage class has no provisioner, and has fewer free volumes of sufficient size than the plan needs',
    wayOut: 'add volumes, or map to a storage class that provisions them',
  },
  TargetQuotaExceeded: {
    category: 'Critical',
    when:
      'the VMs of the plan together, or the worker pods of VMs that are migrated at once (a pod’s limits are the sum of those of its ' +
      'containers), need more than a quota of their namespace has left',
    wayOut:
      'raise the quota, remove objects that use it, take VMs out of the plan, or lower `maxConcurrentMigrations` or `worker.limits`',
  },
  TargetLimitExceeded: {
    category: 'Critical',
    when:
      'the claim of a disk is larger or smaller than a limit range of its namespace allows (SizeNotAllowed), or a worker pod or its ' +
      'container may use more (WorkerPodTooLarge)',
    wayOut: 'change the limit range or `worker.limits`, or choose another `targetNamespace`',
  },
  NoNodeTakesVMs: {
    category: 'Critical',
    when: 'no node of the cluster is ready and schedulable for VMs',
    wayOut: 'repair a node, uncordon it, or make sure that virt-handler runs there',
  },
  VMLargerThanNodes: {
    category: 'Warn',
    when: 'a VM needs more memory or CPU than any node for VMs has',
    wayOut: 'add a larger node, or make the VM smaller, before it starts',
  },
  TPMStateHasNoStorage: {
    category: 'Critical',
    when: "a VM has a TPM, but there is no default storage class for the claim that keeps the TPM's state",
    wayOut: "make a storage class the default, or name one in KubeVirt's `vmStateStorageClass`",
  },
  InstanceTypeNotValid: {
    category: 'Critical',
    when: 'an instance type that the plan names does not exist in the cluster or the namespace (NotFound), so the VM would not start, or sets a field that the plan also sets (Conflict), so KubeVirt would refuse the VM',
    wayOut: 'create it, name another `instanceType`, or remove the field from the plan',
  },
  InstanceTypeSmaller: {
    category: 'Warn',
    when: 'an instance type has fewer CPUs, or less memory, than the VM has at the source',
    wayOut: 'choose a larger `instanceType` if the guest needs as much as before',
  },
  PreferenceNotValid: {
    category: 'Critical',
    when: 'a preference that the plan names does not exist in the cluster or the namespace',
    wayOut: 'create it, or name another `preference`',
  },
  NodeSelectorMatchesNone: {
    category: 'Warn',
    when: 'no node has all labels of a `targetNodeSelector`, so the VM would not start',
    wayOut: 'label a node, or change the `targetNodeSelector`',
  },
  SectorSizeNotKept: {
    category: 'Critical',
    when: 'a disk has sectors of 4,096 bytes, but a raw copy in compatibility mode attaches it by SATA, which supports only 512: the guest would not find its partitions',
    wayOut: 'convert the guest, or set `useCompatibilityMode: false` if it has virtio drivers',
  },
  AddressInServiceRange: {
    category: 'Warn',
    when: "an address of a guest (Guest) or of the source (Source) is in the cluster's service range, so pods cannot reach it",
    wayOut: 'give it another address, or run the workers outside the cluster',
  },
} as const satisfies ConditionCatalogue;

/** Makes a condition that a cluster raises: one of its own, or one that every target may raise. */
export const condition = conditionsOf({ ...sharedConditionTypes, ...kubevirtConditionTypes });
