import { type ConditionCatalogue, type ConditionMaker, conditionsOf } from '@ledgerlift/contracts';
import { sourceConditionTypes } from '@ledgerlift/providers';
import { sharedConditionTypes, targetConditionTypes } from '@ledgerlift/targets';

/** Conditions that do not belong to one kind of source or target. They keep Forklift's names where it has them. */
export const conditionTypes = {
  SourceProviderNotValid: {
    category: 'Critical',
    when: 'the source is not a provider, or not one that can be a source',
    wayOut: 'name a source provider in `source`',
  },
  SourceProviderNotReady: {
    category: 'Critical',
    when: 'the source cannot be reached or read',
    wayOut: 'correct its settings, or give the planner access, and validate again',
  },
  DestinationProviderNotValid: {
    category: 'Critical',
    when: 'the target is not a provider, or not one that can be a target',
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
    when: 'the source does not support the type of the plan',
    wayOut: 'set `type` to one that the source supports',
  },
  VMMissingChangedBlockTracking: {
    category: 'Critical',
    when: 'the plan is warm, and the source does not track changes on the disks of a VM',
    wayOut:
      'turn on changed block tracking at the source, or set `warm.enableChangeTracking`, or make the plan `cold`',
  },
  VMHasSnapshots: {
    category: 'Critical',
    when: 'the plan is warm, and a VM has snapshots that are not ours: removing ours would consolidate those, too',
    wayOut: 'remove them at the source, or make the plan `cold`',
  },
  CutoverPolicyNotValid: {
    category: 'Critical',
    when: 'the cutover waits for a short enough downtime, which the settings of the plan rule out',
    wayOut:
      'leave out `warm.maxPrecopies` or set it to 1 or more, or start the cutover by `command`, `time` or `window`',
  },
  CutoverTimeNotUsed: {
    category: 'Warn',
    when: 'a VM has a time for its cutover, but the plan is not warm',
    wayOut: 'make the plan `warm`, or remove the time; `windows` say when VMs of the plan may begin',
  },
  CutoverTimePassed: {
    category: 'Warn',
    when: 'the cutover time of the plan (InThePast) or of a VM (OfVmInThePast) has passed',
    wayOut:
      'set a later one in `warm.cutover.at` or `cutoverAt`, unless the cutover should follow the initial copy at once',
  },
  VMNotFound: {
    category: 'Critical',
    when: 'a VM of the plan is not in the inventory (NotFound), or the plan selects no VM at all (NothingSelected)',
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
    when: 'a VM is in `vms` twice (NotUnique), a name matches several VMs (Ambiguous, ExceptionAmbiguous), two VMs get the same target name (TargetNameNotUnique), the entries and selectors of a VM contradict each other (SettingsConflict), or a VM is both in `vms` and in `except` (NamedAndExcepted)',
    wayOut:
      'name each VM once, by its id, set each of its settings once, and give each VM its own `targetName`',
  },
  SelectorNotClear: {
    category: 'Critical',
    when: 'a selector names a host, cluster, datacenter, folder, storage or network by a name or path that is not unique',
    wayOut: 'name it by its id or its whole path, which the message lists, or add the datacenter',
  },
  SelectorMatchesNothing: {
    category: 'Warn',
    when: 'a selector matches no VM (NoVm), or `except` names one that does not exist (ExceptionNotFound)',
    wayOut: '`ledgerlift plan select` shows the VMs of each selector; correct it, or remove it',
  },
  TargetNameNotValid: {
    category: 'Warn',
    when: 'the name of a VM is not a DNS-1123 label, so its target gets another name',
    wayOut: 'set `targetName` if you want a different one',
  },
  VMNetworksNotMapped: {
    category: 'Critical',
    when: 'a network of a VM has no pair in the network mapping',
    wayOut: 'add a pair for it, with destination `ignored` to leave out the NIC',
  },
  VMNicNotConnected: {
    category: 'Warn',
    when: 'a NIC is on no network at the source',
    wayOut: 'the NIC is left out; add one to the target VM later if you need it',
  },
  SourceNetworkNotValid: {
    category: 'Warn',
    when: 'a pair of the network mapping names a network that the source does not have',
    wayOut: 'correct or remove the pair',
  },
  SourceNetworkAmbiguous: {
    category: 'Critical',
    when: 'the network mapping has several pairs for one network (Ambiguous), or a name in it matches several networks of the source (NameNotUnique)',
    wayOut: 'keep one pair; where a name is not unique, name each by the id that the message lists',
  },
  VMStorageNotMapped: {
    category: 'Critical',
    when: 'a storage of a VM has no pair in the storage mapping',
    wayOut: 'add a pair for it',
  },
  BroughtDisksNotUsed: {
    category: 'Warn',
    when: 'the plan names the disks of a VM at the target, but its type makes it copy them anyway',
    wayOut: 'make the plan `conversion`, or remove `disks`',
  },
  SourceStorageNotValid: {
    category: 'Warn',
    when: 'a pair of the storage mapping names a storage that the source does not have',
    wayOut: 'correct or remove the pair',
  },
  SourceStorageAmbiguous: {
    category: 'Critical',
    when: 'the storage mapping has several pairs for one storage (Ambiguous), or a name in it matches several storages of the source (NameNotUnique)',
    wayOut: 'keep one pair; where a name is not unique, name each by the id that the message lists',
  },
  InvalidDiskSizes: {
    category: 'Critical',
    when: 'a disk has no size, or an impossible one',
    wayOut: 'export the VM again',
  },
  VMHasNoDisks: {
    category: 'Critical',
    when: 'a VM has no disk that could be migrated',
    wayOut: 'remove it from the plan',
  },
  SharedDisks: {
    category: 'Warn',
    when: 'a disk is shared with other VMs, and will be copied for each of them',
    wayOut: 'remove the VM from the plan if the disk must stay shared',
  },
  MacConflicts: sharedConditionTypes.MacConflicts,
  SourceObjectNotReadable: {
    category: 'Warn',
    when: 'a part of the source could not be read, and is not in the inventory',
    wayOut: 'look at the problems of the inventory, and fix them',
  },
  VMCriticalConcerns: {
    category: 'Critical',
    when: 'a VM has a Critical concern',
    wayOut: 'fix it at the source and refresh, or remove the VM from the plan',
  },
  VMConcerns: {
    category: 'Warn',
    when: 'a VM has a concern of category Warning',
    wayOut: 'check it before you start',
  },
  VMInformation: {
    category: 'Advisory',
    when: 'a VM has a concern of category Information',
    wayOut: 'no action is needed',
  },
  HookNamesNotUnique: {
    category: 'Critical',
    when: 'several hooks of the plan share a name, so an answer could be for any of them',
    wayOut: 'give each hook a name of its own',
  },
  RetireSourceNotSupported: {
    category: 'Critical',
    when: '`retireSource` asks for changes to VMs of a source that cannot be changed',
    wayOut:
      'remove `retireSource`, and use an `after` hook or your own means to keep the source from coming back',
  },
  InspectionNotDone: {
    category: 'Warn',
    when: '`inspect` asks to inspect guests before they are copied, but the plan is not warm, or converts nothing',
    wayOut: 'remove `inspect`, or make the plan `warm` with `skipGuestConversion: false`',
  },
  GuestNeedsVirtioDrivers: {
    category: 'Warn',
    when: 'guests get virtio devices without a conversion, and a guest without their drivers does not boot',
    wayOut:
      'make sure that each guest has virtio drivers, set `useCompatibilityMode: true`, or convert it with `skipGuestConversion: false`',
  },
  NoCommonSite: {
    category: 'Critical',
    when: 'no site reaches both source and target',
    wayOut: 'give both providers a common site',
  },
  GuestConversionNotAvailable: {
    category: 'Critical',
    when: 'the converter cannot convert: virt-v2v-in-place or something that it needs is missing',
    wayOut: 'install it where the converter runs, or set `skipGuestConversion`',
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
    wayOut: 'start the service; the VMs wait for it',
  },
  VMPowerStateUnsupported: {
    category: 'Critical',
    when: 'a VM is suspended: the memory of its guest is not on its disks',
    wayOut: 'resume it, or shut it down',
  },
  GuestToolsIssue: {
    category: 'Critical',
    when: 'a VM runs without tools, so its guest cannot be asked to shut down, and the plan does not allow powering it off (`shutdown.then`)',
    wayOut: 'start or install the tools, shut the VM down yourself, or set `shutdown: { then: force }`',
  },
  GuestNotShutDown: {
    category: 'Warn',
    when: 'a VM runs without tools, so its guest cannot be asked to shut down, and the VM will be powered off as if unplugged',
    wayOut: 'start or install the tools, or shut the VM down yourself',
  },
  VMMissingGuestIPs: {
    category: 'Warn',
    when: 'static addresses should be preserved, but the guest has reported none',
    wayOut: 'make sure that its tools run, and refresh; or set the addresses at the target by hand',
  },
  RecoveryKeyNotHeld: {
    category: 'Critical',
    when: 'a Windows guest has a TPM, to which BitLocker may have sealed its disks, and nobody has confirmed that the recovery key is at hand; the target gets an empty TPM',
    wayOut:
      'make sure that you have the recovery key, and confirm it with `recoveryKeyHeld: true` in the plan or for the VM',
  },
  HookNotReady: {
    category: 'Critical',
    when: 'a hook of the plan is a command, and no transfer worker of its site has a hooks folder',
    wayOut: 'set LEDGERLIFT_HOOKS_DIR for the transfer workers, or call the hook by `http` or `event`',
  },
} as const satisfies ConditionCatalogue;

/** Every condition of plans: the planner's own, and those of each kind of source and target. */
export const allConditionTypes = (): ConditionCatalogue => ({
  ...conditionTypes,
  ...sourceConditionTypes(),
  ...targetConditionTypes(),
});

export type ConditionTypeName = keyof typeof conditionTypes;

export const condition = conditionsOf(conditionTypes);

/** Makes a condition whose type a provider names, for something that every source has. */
export const conditionNamed: ConditionMaker<string> = (...of) => conditionsOf(allConditionTypes())(...of);
export { listed } from '@ledgerlift/contracts';

/** The reference page of every condition, as Markdown. */
export function conditionsPage(): string {
  const rows = Object.entries(allConditionTypes()).map(([type, { category, when, wayOut }]) => [
    `\`${type}\``,
    category,
    when,
    wayOut,
  ]);
  return [
    '# Conditions of a plan',
    '',
    '<!-- Made by scripts/generate-documents.mjs from libs/planning/src/validation/condition-types.ts, libs/providers/src/*/plan and libs/targets. -->',
    '',
    'Everything that validation can find. A plan with a **Critical** condition does not start, and the refusal',
    '(`LL-PLN-104`) lists its conditions. A **Warn** does not stop the plan, but check it; an **Advisory** is good to know.',
    '',
    ...table(['condition', 'category', 'raised when', 'what to do'], rows),
    '',
  ].join('\n');
}

/** Pads each column to its widest cell, as the formatter does. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const widths = head.map((title, column) =>
    Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0), title.length),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)];
}
