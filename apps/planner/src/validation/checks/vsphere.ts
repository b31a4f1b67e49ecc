import type { Condition, DiskBacking, ProviderSpec, SourceDisk, SourceVm } from '@ledgerlift/contracts';
import { type PrivilegeUse, requiredPrivileges, vddkMisfit } from '@ledgerlift/providers';
import { condition, listed } from '../condition-types.js';
import type { PlanFacts } from '../plan-facts.js';

/** What stands against a plan whose source is vSphere. */
export function checkVsphere(facts: PlanFacts): readonly Condition[] {
  if (facts.source?.spec.type !== 'vsphere') return [];
  return [
    ...checkConnection(facts),
    ...checkPrivileges(facts),
    ...checkHosts(facts),
    ...checkVddk(facts),
    ...checkTags(facts),
    ...checkDiskKinds(facts),
    ...checkUuids(facts),
  ];
}

function checkConnection({ source }: PlanFacts): readonly Condition[] {
  if (source?.spec.type !== 'vsphere' || !source.spec.settings.insecureSkipVerify) return [];
  const { name, settings } = source.spec;
  const message = `'${name}' takes any certificate from ${new URL(settings.url).host}`;
  return [condition('ConnectionInsecure', 'NotVerified', message, [name])];
}

/** What the plan does at the source. Without VDDK there are two other ways to read; which it is to be is not known yet. */
function usesOf({ spec, workers, source }: PlanFacts): readonly PrivilegeUse[] {
  const { disconnectNics, renameSuffix, tag } = spec.retireSource;
  const isRetired = disconnectNics || renameSuffix !== undefined;
  const hasVddk = spec.type === 'warm' || workers?.transferTools?.vddk !== undefined;
  const reads: readonly PrivilegeUse[] = hasVddk ? ['vddk'] : ['https', 'nfc'];
  return [
    'inventory',
    'power',
    ...(isHost(source?.spec) ? ['moment' as const] : []),
    ...(spec.type === 'conversion' ? [] : reads),
    ...(spec.type === 'warm' ? ['warm' as const] : []),
    ...(spec.type === 'warm' && spec.warm.enableChangeTracking ? ['tracking' as const] : []),
    ...(isRetired ? ['retire' as const] : []),
    ...(tag === undefined ? [] : ['tag' as const]),
  ];
}

/** An ESXi host without a vCenter. */
const isHost = (spec: ProviderSpec | undefined): boolean =>
  spec?.type === 'vsphere' && spec.settings.sdkEndpoint === 'esxi';

function checkPrivileges(facts: PlanFacts): readonly Condition[] {
  const needed = new Set(requiredPrivileges(usesOf(facts)).map(({ id }) => id));
  return (facts.source?.problems ?? [])
    .filter(({ code, item }) => code === 'LL-VSP-021' || (code === 'LL-VSP-020' && needed.has(item)))
    .map(({ code, item, message }) => condition('InsufficientPrivileges', code, message, [item]));
}

function checkHosts(facts: PlanFacts): readonly Condition[] {
  const used = Map.groupBy(readVms(facts), ({ host }) => host);
  return (facts.source?.problems ?? []).flatMap(({ code, item, message }) => {
    if (code === 'LL-VSP-022') return [condition('HostNotValid', code, message, [item])];
    const vms = used.get(item)?.map(({ name }) => name);
    if (code !== 'LL-VSP-023' || vms === undefined) return [];
    return [condition('HostSecretNotValid', code, `${message} (${listed(vms)} run there)`, [item, ...vms])];
  });
}

const OLDEST_VDDK = 6.5;

function checkVddk(facts: PlanFacts): readonly Condition[] {
  const { spec, site = '', workers } = facts;
  const tools = workers?.transferTools;
  if (tools === undefined || readVms(facts).length === 0) return [];
  const lack = lackOf(tools);
  const misfit = lack?.reason === 'TooOld' ? undefined : misfitOf(facts);
  const type = spec.type === 'warm' ? 'VDDKNotAvailable' : 'DisksReadWithoutVDDK';
  return [
    ...(lack === undefined
      ? []
      : [condition(type, lack.reason, `at site ${site} ${lack.message}`, ['transfer'])]),
    ...(misfit === undefined
      ? []
      : [
          condition('VDDKVersionNotFitting', misfit.reason, `at site ${site} VDDK ${misfit.message}`, [
            'transfer',
          ]),
        ]),
  ];
}

function misfitOf({ workers, inventory }: PlanFacts): ReturnType<typeof vddkMisfit> {
  const vddk = workers?.transferTools?.vddk;
  if (vddk === undefined || inventory?.version === undefined) return undefined;
  return vddkMisfit(vddk.version, inventory.version);
}

function checkTags({ spec, source }: PlanFacts): readonly Condition[] {
  const { tag } = spec.retireSource;
  if (tag === undefined || source === undefined || !isHost(source.spec)) return [];
  const message = `'${source.spec.name}' has no tags, and its VMs are to bear '${tag}'`;
  return [condition('SourceHasNoTags', 'NoVcenter', message, [source.spec.name])];
}

function lackOf({
  vddk,
  vddkProblems,
}: NonNullable<NonNullable<PlanFacts['workers']>['transferTools']>):
  { readonly reason: string; readonly message: string } | undefined {
  const why = vddkProblems.length === 0 ? '' : `: ${listed(vddkProblems, 3)}`;
  if (vddk === undefined) return { reason: 'Missing', message: `no transfer worker has VDDK${why}` };
  if (Number(/^\d+(\.\d+)?/.exec(vddk.version)?.[0] ?? OLDEST_VDDK) < OLDEST_VDDK) {
    const message = `VDDK in ${vddk.folder} is of version ${vddk.version}, and ${OLDEST_VDDK} is the oldest that is read with`;
    return { reason: 'TooOld', message };
  }
  return why === ''
    ? undefined
    : { reason: 'NotEverywhere', message: `some transfer workers lack VDDK${why}` };
}

type Backing = Extract<DiskBacking, { kind: 'vsphere' }>;

/** Disks that cannot be copied in the way that the plan asks for. */
function checkDiskKinds(facts: PlanFacts): readonly Condition[] {
  const isWarm = facts.spec.type === 'warm';
  const kinds: readonly (readonly [reason: string, is: (disk: SourceDisk) => boolean, why: string])[] = [
    ['Independent', (disk) => isWarm && isIndependent(disk), 'are left out of every snapshot'],
    [
      'Shared',
      ({ shared }) => isWarm && shared,
      'are shared, and no snapshot is taken of a VM with such a disk',
    ],
    [
      'RDMPhysical',
      (disk) => backingOf(disk)?.format === 'rdm-physical',
      'are LUNs that are only passed through',
    ],
  ];
  return readVms(facts).flatMap((vm) =>
    kinds.flatMap(([reason, is, why]) => {
      const names = vm.disks.filter(is).map(({ name }) => name);
      if (names.length === 0) return [];
      const message = `${listed(names)} of '${vm.name}' ${why}`;
      return [condition('VMDiskNotSupported', reason, message, [vm.name, ...names])];
    }),
  );
}

const backingOf = ({ backing }: SourceDisk): Backing | undefined =>
  backing.kind === 'vsphere' ? backing : undefined;
const isIndependent = (disk: SourceDisk): boolean => backingOf(disk)?.mode.startsWith('independent') === true;

function checkUuids(facts: PlanFacts): readonly Condition[] {
  const byUuid = Map.groupBy(facts.inventory?.vms ?? [], ({ uuid }) => uuid?.toLowerCase());
  const meant = new Set(readVms(facts).map(({ id }) => id));
  return [...byUuid].flatMap(([uuid, same]) => {
    if (uuid === undefined || same.length < 2 || !same.some(({ id }) => meant.has(id))) return [];
    const names = same.map(({ name }) => name);
    return [
      condition('VMUuidNotUnique', 'NotUnique', `${listed(names)} all have the BIOS UUID ${uuid}`, names),
    ];
  });
}

/** VMs whose disks are read at the source. */
function readVms({ spec, vms }: PlanFacts): readonly SourceVm[] {
  if (spec.type === 'conversion') return [];
  const found = vms.flatMap(({ vm, isCopied }) =>
    vm === undefined || isCopied ? [] : [[vm.id, vm] as const],
  );
  return [...new Map(found).values()];
}
