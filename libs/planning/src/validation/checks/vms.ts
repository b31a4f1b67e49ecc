import type { Concern, Condition, SourceVm } from '@ledgerlift/contracts';
import { meaningOfConcern, sourceProvider } from '@ledgerlift/providers';
import { condition, conditionNamed, type ConditionTypeName, listed } from '../condition-types.js';
import type { PlanFacts, PlannedVm, SelectionFacts } from '../plan-facts.js';

/** Checks that the plan's selectors and exceptions are unambiguous and match something. */
export function checkSelection({ inventory, selection, vms }: SelectionFacts): readonly Condition[] {
  // A source that cannot be read has its own condition, and says nothing about the selection.
  if (inventory === undefined) return [];
  const { empty, unclear, unclearExceptions, contradicted } = selection;
  const unknown = unclearExceptions.filter(({ matches }) => matches.length === 0).map(({ ref }) => ref);
  return [
    ...vms
      .filter(({ conflicts }) => conflicts.length > 0)
      .map(({ vm, entry, conflicts }) => {
        const name = vm?.name ?? entry.ref;
        return condition('DuplicateVM', 'SettingsConflict', `for '${name}', ${conflicts.join('; ')}`, [name]);
      }),
    ...contradicted.map(({ name }) =>
      condition('DuplicateVM', 'NamedAndExcepted', `'${name}' is in \`vms\` and in \`except\``, [name]),
    ),
    ...unclearExceptions
      .filter(({ matches }) => matches.length > 1)
      .map(({ ref, matches }) => {
        const places = matches.map(({ id, path }) => `${path} (${id})`);
        return condition(
          'DuplicateVM',
          'ExceptionAmbiguous',
          `'${ref}' in \`except\` matches ${listed(places)}`,
          [ref],
        );
      }),
    ...unclear.map(({ by, words }) =>
      condition('SelectorNotClear', 'NameNotUnique', `${by}: ${words}; name it by its id or path`, [by]),
    ),
    ...empty.map((words) => condition('SelectorMatchesNothing', 'NoVm', `${words} matches no VM`, [words])),
    ...unknown.map((ref) =>
      condition(
        'SelectorMatchesNothing',
        'ExceptionNotFound',
        `\`except\` names '${ref}', which is not in the inventory`,
        [ref],
      ),
    ),
    ...(selection.vms.length === 0
      ? [condition('VMNotFound', 'NothingSelected', 'the plan selects no VM at all', [])]
      : []),
  ];
}

/** Checks that every VM exists and is in the plan once. */
export function checkVmsExist({ inventory, vms }: SelectionFacts): readonly Condition[] {
  const missing = vms.filter(({ matches }) => matches.length === 0).map(({ entry }) => entry.ref);
  const ambiguous = vms.filter(({ matches }) => matches.length > 1);
  const problems = inventory?.problems.length ?? 0;
  const hint = problems > 0 ? ` (${problems} files of the source could not be read)` : '';
  return [
    ...(missing.length === 0 || inventory === undefined
      ? []
      : [condition('VMNotFound', 'NotFound', `the inventory has no ${listed(missing)}${hint}`, missing)]),
    ...ambiguous.map(({ entry, matches }) => {
      const places = matches.map(({ id, path }) => `${path} (${id})`);
      return condition(
        'DuplicateVM',
        'Ambiguous',
        `'${entry.ref}' matches ${listed(places)}; name one by its id`,
        [entry.ref],
      );
    }),
    ...repeated(vms, ({ vm }) => vm?.id).map(([, [first]]) => {
      const name = first?.vm?.name ?? '';
      return condition('DuplicateVM', 'NotUnique', `'${name}' is in the plan more than once`, [name]);
    }),
  ];
}

/** Checks that target names are valid and unique. */
export function checkTargetNames({ vms }: SelectionFacts): readonly Condition[] {
  const renamed = vms.filter(
    ({ entry, vm, targetName }) =>
      vm !== undefined && entry.targetName === undefined && targetName !== vm.name,
  );
  return [
    ...renamed.map(({ vm, targetName }) => {
      const name = vm?.name ?? '';
      return condition('TargetNameNotValid', 'Renamed', `'${name}' will be called '${targetName}'`, [name]);
    }),
    ...repeated(vms, ({ vm, targetName, targetNamespace }) =>
      vm === undefined ? undefined : `${targetNamespace}/${targetName}`,
    )
      .filter(([, same]) => new Set(same.map(({ vm }) => vm?.id)).size > 1)
      .map(([name, same]) => {
        const names = same.map(({ vm }) => vm?.name ?? '');
        const message = `${listed(names)} would all be '${name}'`;
        return condition('DuplicateVM', 'TargetNameNotUnique', message, names);
      }),
  ];
}

function repeated(
  vms: readonly PlannedVm[],
  keyOf: (vm: PlannedVm) => string | undefined,
): readonly (readonly [string, readonly PlannedVm[]])[] {
  const groups = Map.groupBy(vms, keyOf);
  return [...groups].flatMap(([key, same]) =>
    key === undefined || same.length < 2 ? [] : [[key, same] as const],
  );
}

/** Whether a concern matters to the plan: some concern only what certain plans do. */
function matters(id: string, { type, skipGuestConversion }: PlanFacts['spec']): boolean {
  switch (meaningOfConcern(id).of) {
    case 'reading':
      return type !== 'conversion';
    case 'warm':
      return type === 'warm';
    case 'conversion':
      return !skipGuestConversion;
    default:
      return true;
  }
}

const typeOfCategory: Readonly<Record<Concern['category'], ConditionTypeName>> = {
  Critical: 'VMCriticalConcerns',
  Warning: 'VMConcerns',
  Information: 'VMInformation',
};

/** The concerns that the provider found: one condition for each, with its VMs. */
export function checkConcerns(facts: PlanFacts): readonly Condition[] {
  const found = sourceVms(facts).flatMap((vm) =>
    vm.concerns.filter(({ id }) => matters(id, facts.spec)).map((concern) => ({ vm: vm.name, concern })),
  );
  return [...Map.groupBy(found, ({ concern }) => concern.id)].flatMap(([id, same]) => {
    const [first] = same;
    if (first === undefined) return [];
    const vms = [...new Set(same.map(({ vm }) => vm))];
    const { category, assessment } = first.concern;
    const label = listed([...new Set(same.map(({ concern }) => concern.label))], 3);
    const type = meaningOfConcern(id).type ?? typeOfCategory[category];
    return [conditionNamed(type, id, `${listed(vms)}: ${label}. ${assessment.replace(/[.;\s]+$/, '')}`, vms)];
  });
}

/** Conditions that follow from the state of the guests. */
export function checkGuests({ spec, vms }: PlanFacts): readonly Condition[] {
  const raised = (
    type: ConditionTypeName,
    reason: string,
    is: (vm: SourceVm, planned: PlannedVm) => boolean,
    message: (names: string) => string,
  ): readonly Condition[] => {
    const names = vms.flatMap((planned) =>
      planned.vm !== undefined && !planned.isCopied && is(planned.vm, planned) ? [planned.vm.name] : [],
    );
    const all = [...new Set(names)];
    return all.length === 0 ? [] : [condition(type, reason, message(listed(all)), all)];
  };
  const isForced = spec.shutdown.then === 'force';
  return [
    ...raised(
      'VMPowerStateUnsupported',
      'Suspended',
      ({ powerState }) => powerState === 'suspended',
      (names) => `suspended: ${names}`,
    ),
    ...raised(
      isForced ? 'GuestNotShutDown' : 'GuestToolsIssue',
      'ToolsNotRunning',
      runsWithoutTools,
      (names) =>
        isForced
          ? `no tools run in ${names}, so data that the guest has not yet written to disk is lost`
          : `no tools run in ${names}, but \`shutdown.then\` is '${spec.shutdown.then}'`,
    ),
    ...raised(
      'VMMissingGuestIPs',
      'NoAddresses',
      ({ guest }, { entry }) =>
        (entry.preserveStaticIps ?? spec.preserveStaticIps) && guest !== undefined && !hasAddresses(guest),
      (names) => `no IP address of ${names} is known`,
    ),
    ...raised(
      'RecoveryKeyNotHeld',
      'NotSaid',
      ({ tpm, os }, { entry }) =>
        tpm && os.family === 'windows' && !(entry.recoveryKeyHeld ?? spec.recoveryKeyHeld),
      (names) => `the TPM of ${names} stays behind, with everything sealed in it`,
    ),
  ];
}

const runsWithoutTools = ({ powerState, guest }: SourceVm): boolean =>
  powerState === 'on' && (guest?.tools === 'not-running' || guest?.tools === 'not-installed');

const hasAddresses = ({ nics }: NonNullable<SourceVm['guest']>): boolean =>
  nics.some(({ addresses }) => addresses.length > 0);

/** Larger than any hypervisor's disks (at most 62 TiB): such a size means a damaged descriptor. */
const LARGEST_DISK = 1024 ** 5;

/** Checks that every VM has disks, and that their sizes are plausible. */
export function checkDiskSizes(facts: PlanFacts): readonly Condition[] {
  return sourceVms(facts).flatMap((vm) => {
    if (vm.disks.length === 0)
      return [condition('VMHasNoDisks', 'NoDisks', `'${vm.name}' has no disks`, [vm.name])];
    const wrong = vm.disks.filter(({ capacityBytes }) => capacityBytes <= 0 || capacityBytes > LARGEST_DISK);
    if (wrong.length === 0) return [];
    const sizes = wrong.map(({ name, capacityBytes }) => `'${name}' ${capacityBytes} bytes`);
    return [
      condition('InvalidDiskSizes', 'SizeNotSane', `disks of '${vm.name}': ${listed(sizes)}`, [vm.name]),
    ];
  });
}

/** Warns of shared disks, which become several. */
export function checkSharedDisks(facts: PlanFacts): readonly Condition[] {
  return sourceVms(facts).flatMap((vm) => {
    const shared = vm.disks.filter((disk) => disk.shared).map(({ name }) => name);
    if (shared.length === 0) return [];
    return [condition('SharedDisks', 'Shared', `${listed(shared)} of '${vm.name}' are shared`, [vm.name])];
  });
}

/** Reports the parts of the source that could not be read. */
export function checkInventoryProblems({ inventory, source }: PlanFacts): readonly Condition[] {
  const type = (source && sourceProvider(source.spec.type))?.unreadable ?? 'SourceObjectNotReadable';
  return (inventory?.problems ?? []).map(({ item, code, message }) =>
    conditionNamed(type, code, `${item}: ${message}`, [item]),
  );
}

export function sourceVms({ vms }: PlanFacts): readonly SourceVm[] {
  return [...new Map(vms.flatMap(({ vm }) => (vm === undefined ? [] : [[vm.id, vm] as const]))).values()];
}

/** Checks that each VM's configuration of its OVF package exists and was chosen explicitly. */
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
    const message = `'${name}' has no deployment configurations, but the plan names '${named}'`;
    return [condition('ConfigurationNotFound', 'NoConfigurations', message, items)];
  }
  const isKnown = deployment.available.some(({ id }) => id === named);
  const message = isKnown
    ? `the configuration '${named}' of '${name}' cannot be read; the concerns of the VM say why`
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
