import { type ConditionCatalogue, type ConditionMaker, conditionsOf } from '@ledgerlift/contracts';
import { sourceConditionTypes } from '@ledgerlift/providers';
import { sharedConditionTypes, targetConditionTypes } from '@ledgerlift/targets';

/** Conditions that no kind of source or target has to itself. Names are Forklift's where it has one. */
export const conditionTypes = {
  SourceProviderNotValid: {
    category: 'Critical',
    when: 'the source is no provider, or none that can be a source',
    wayOut: 'name a source provider in `source`',
  },
  SourceProviderNotReady: {
    category: 'Critical',
    when: 'the source cannot be reached or read',
    wayOut: 'correct its settings, or give the planner access, and validate again',
  },
  DestinationProviderNotValid: {
    category: 'Critical',
    when: 'the target is no provider, or none that can be a target',
    wayOut: 'name a target provider in `target`',
  },
  DestinationProviderNotReady: {
    category: 'Critical',
    when: 'the target cannot be reached or written',
    wayOut: 'correct its settings, or give the planner and its workers access',
  },
  NetworkMapRefNotValid: {
    category: 'Critical',
    when: 'the network mapping is missing, of the other kind, or between other providers',
    wayOut: 'name a network mapping of this source and target in `networkMapping`',
  },
  StorageRefNotValid: {
    category: 'Critical',
    when: 'the storage mapping is missing, of the other kind, or between other providers',
    wayOut: 'name a storage mapping of this source and target in `storageMapping`',
  },
  MigrationTypeNotValid: {
    category: 'Critical',
    when: 'the source cannot be migrated in this way',
    wayOut: 'set `type` to one that the source supports',
  },
  VMMissingChangedBlockTracking: {
    category: 'Critical',
    when: 'the plan is warm, and the source does not track what changes on the disks of a VM',
    wayOut:
      'turn changed block tracking on at the source, or set `warm.enableChangeTracking`, or make the plan `cold`',
  },
  VMHasSnapshots: {
    category: 'Critical',
    when: 'the plan is warm, and a VM has snapshots of somebody else: removing ours would consolidate theirs, too',
    wayOut: 'remove them at the source, or make the plan `cold`',
  },
  CutoverPolicyNotValid: {
    category: 'Critical',
    when: 'the plan waits for a downtime that its own settings keep from ever becoming short enough',
    wayOut:
      'leave `warm.maxPrecopies` out or set it to 1 or more, or let the cutover come by `command`, `time` or `window`',
  },
  CutoverTimeNotUsed: {
    category: 'Warn',
    when: 'a VM has a time for its cutover, and the plan is not warm',
    wayOut: 'make the plan `warm`, or take the time out; `windows` say when VMs of the plan may begin',
  },
  CutoverTimePassed: {
    category: 'Warn',
    when: 'the time for the cutover of the plan (InThePast) or of a VM (OfVmInThePast) is over',
    wayOut:
      'set a later one in `warm.cutover.at` or `cutoverAt`, unless the cutover is to follow the first copy at once',
  },
  VMNotFound: {
    category: 'Critical',
    when: 'a VM of the plan is not in the inventory (NotFound), or the plan means no VM at all (NothingSelected)',
    wayOut: 'correct its `ref` or `select`, or refresh the inventory',
  },
  ConfigurationNotFound: {
    category: 'Critical',
    when: 'the plan names a configuration that the OVF package of a VM does not have (NotFound, NoConfigurations), or that cannot be read (NotReadable)',
    wayOut: 'correct `configuration`, or leave it out for the default of the package',
  },
  ConfigurationNotChosen: {
    category: 'Warn',
    when: 'the OVF package of a VM can be deployed in several configurations, and the plan names none',
    wayOut: 'set `configuration` of the VM to the one you want',
  },
  DuplicateVM: {
    category: 'Critical',
    when: 'a VM is in `vms` twice (NotUnique), a name means several VMs (Ambiguous, ExceptionAmbiguous), two VMs get one target name (TargetNameNotUnique), what means a VM says different things of it (SettingsConflict), or it is named and left out (NamedAndExcepted)',
    wayOut:
      'name each VM once, by its id, say each thing of it once, and give each a `targetName` of its own',
  },
  SelectorNotClear: {
    category: 'Critical',
    when: 'a selector names a host, cluster, datacenter, folder, storage or network by a name or a path that several have',
    wayOut: 'name it by its id or its whole path, which the message lists, or say the datacenter, too',
  },
  SelectorMatchesNothing: {
    category: 'Warn',
    when: 'a selector means no VM (NoVm), or `except` names one that is not there (ExceptionNotFound)',
    wayOut: '`ledgerlift plan select` shows what each means; correct it, or take it out',
  },
  TargetNameNotValid: {
    category: 'Warn',
    when: "a source's name is no DNS-1123 label and will be changed",
    wayOut: 'set `targetName` if you want another one',
  },
  VMNetworksNotMapped: {
    category: 'Critical',
    when: 'a network of a VM has no pair in the network mapping',
    wayOut: 'add a pair for it, with destination `ignored` if the NIC is to be left out',
  },
  VMNicNotConnected: {
    category: 'Warn',
    when: 'a NIC is on no network at the source',
    wayOut: 'it is left out; add one to the VM later if it is needed',
  },
  SourceNetworkNotValid: {
    category: 'Warn',
    when: 'a pair of the network mapping names a network that the source does not have',
    wayOut: 'correct or remove the pair',
  },
  SourceNetworkAmbiguous: {
    category: 'Critical',
    when: 'the network mapping has several pairs for one network (Ambiguous), or a name in it is that of several networks of the source (NameNotUnique)',
    wayOut: 'keep one pair; where a name is not unique, name each by the id that the message lists',
  },
  VMStorageNotMapped: {
    category: 'Critical',
    when: 'a storage of a VM has no pair in the storage mapping',
    wayOut: 'add a pair for it',
  },
  BroughtDisksNotUsed: {
    category: 'Warn',
    when: 'the plan says of a VM where its disks are at the target, and copies them all the same',
    wayOut: 'make the plan `conversion`, or take `disks` out',
  },
  SourceStorageNotValid: {
    category: 'Warn',
    when: 'a pair of the storage mapping names a storage that the source does not have',
    wayOut: 'correct or remove the pair',
  },
  SourceStorageAmbiguous: {
    category: 'Critical',
    when: 'the storage mapping has several pairs for one storage (Ambiguous), or a name in it is that of several storages of the source (NameNotUnique)',
    wayOut: 'keep one pair; where a name is not unique, name each by the id that the message lists',
  },
  InvalidDiskSizes: {
    category: 'Critical',
    when: 'a disk has no size, or one that no disk has',
    wayOut: 'export the VM again',
  },
  VMHasNoDisks: {
    category: 'Critical',
    when: 'a VM has no disk that could be migrated',
    wayOut: 'take it out of the plan',
  },
  SharedDisks: {
    category: 'Warn',
    when: 'a disk is shared with other VMs, and is copied for each of them',
    wayOut: 'take the VM out of the plan if it must stay shared',
  },
  MacConflicts: sharedConditionTypes.MacConflicts,
  SourceObjectNotReadable: {
    category: 'Warn',
    when: 'something of the source could not be read, and is not in the inventory',
    wayOut: 'look at the problems of the inventory, and put right what they name',
  },
  VMCriticalConcerns: {
    category: 'Critical',
    when: 'a Critical concern stands against a VM',
    wayOut: 'correct it at the source and refresh, or take the VM out of the plan',
  },
  VMConcerns: {
    category: 'Warn',
    when: 'a concern of category Warning stands against a VM',
    wayOut: 'look at it before you start',
  },
  VMInformation: {
    category: 'Advisory',
    when: 'a concern of category Information stands against a VM',
    wayOut: 'good to know',
  },
  HookNamesNotUnique: {
    category: 'Critical',
    when: 'several hooks of the plan have one name, and an answer to it would be an answer to any of them',
    wayOut: 'give each hook a name of its own',
  },
  RetireSourceNotSupported: {
    category: 'Critical',
    when: '`retireSource` asks to change VMs of a source that cannot be changed',
    wayOut:
      'take `retireSource` out, and see by a hook `after` or by hand that the source does not come back',
  },
  InspectionNotDone: {
    category: 'Warn',
    when: '`inspect` asks to look into guests before they are copied, and the plan is not warm, or converts nothing',
    wayOut: 'take `inspect` out, or make the plan `warm` with `skipGuestConversion: false`',
  },
  GuestNeedsVirtioDrivers: {
    category: 'Warn',
    when: 'guests are not converted and get virtio devices all the same, which a guest without drivers does not boot from',
    wayOut:
      'see that each guest has virtio drivers, set `useCompatibilityMode: true`, or let it be converted with `skipGuestConversion: false`',
  },
  NoCommonSite: {
    category: 'Critical',
    when: 'no site reaches both source and target',
    wayOut: 'give both providers a site in common',
  },
  GuestConversionNotAvailable: {
    category: 'Critical',
    when: 'the converter cannot convert: virt-v2v-in-place or what it needs is missing',
    wayOut: 'install what is missing where the converter runs, or set `skipGuestConversion`',
  },
  PodCredentialsNotSetUp: {
    category: 'Critical',
    when: 'the target is reached by worker pods, and the planner has no key to sign their credentials for NATS',
    wayOut:
      'run NATS in operator mode, and name a signing key of its account in `LEDGERLIFT_NATS_SIGNING_SEED_FILE`',
  },
  WorkerNotConnected: {
    category: 'Warn',
    when: 'a service that the plan needs does not answer at its site',
    wayOut: 'start it; the VMs wait for it',
  },
  VMPowerStateUnsupported: {
    category: 'Critical',
    when: 'a VM is suspended: what its guest has in memory is not on its disks',
    wayOut: 'resume it, or shut it down',
  },
  GuestToolsIssue: {
    category: 'Critical',
    when: 'a VM runs without tools by which its guest could be asked to shut down, and the plan does not allow to power it off (`shutdown.then`)',
    wayOut: 'start or install the tools, shut the VM down yourself, or set `shutdown: { then: force }`',
  },
  GuestNotShutDown: {
    category: 'Warn',
    when: 'a VM runs without tools by which its guest could be asked to shut down, and will be powered off as if by its plug',
    wayOut: 'start or install the tools, or shut the VM down yourself',
  },
  VMMissingGuestIPs: {
    category: 'Warn',
    when: 'static addresses are to be preserved, and the guest has told none',
    wayOut: 'see that its tools run, and refresh; or set the addresses at the target by hand',
  },
  RecoveryKeyNotHeld: {
    category: 'Critical',
    when: 'a Windows guest has a TPM, by which BitLocker may have sealed its disks, and nobody says that the recovery key is at hand; the target gets an empty TPM',
    wayOut:
      'see that you have the recovery key, and say so by `recoveryKeyHeld: true` in the plan or of the VM',
  },
  HookNotReady: {
    category: 'Critical',
    when: 'a hook of the plan is a command, and no transfer worker of its site has a folder of hooks',
    wayOut: 'set LEDGERLIFT_HOOKS_DIR at the transfer workers, or call the hook by `http` or `event`',
  },
} as const satisfies ConditionCatalogue;

/** Every condition that can stand against a plan: the planner's own, and those of each kind of source and target. */
export const allConditionTypes = (): ConditionCatalogue => ({
  ...conditionTypes,
  ...sourceConditionTypes(),
  ...targetConditionTypes(),
});

export type ConditionTypeName = keyof typeof conditionTypes;

export const condition = conditionsOf(conditionTypes);

/** Of a type that a provider names for something that every source has. */
export const conditionNamed: ConditionMaker<string> = (...of) => conditionsOf(allConditionTypes())(...of);
export { listed } from '@ledgerlift/contracts';
