import {
  type Condition,
  conditionsOf,
  type DiskBacking,
  listed,
  type ProviderSpec,
  type SourceDisk,
} from '@ledgerlift/contracts';
import { readVms, type SourcePlanFacts, type ToolAtSite } from '../plan-facts.js';
import { type PrivilegeUse, requiredPrivileges } from './privileges/index.js';
import { VDDK, vddkMisfit } from './tools/index.js';

/** Conditions that only vSphere sources raise. */
export const vsphereConditionTypes = {
  ConnectionInsecure: {
    category: 'Warn',
    when: "the source's certificate is not verified, so a man in the middle could read the password",
    wayOut: 'set `thumbprint` or `caCertificate` in the provider instead of `insecureSkipVerify`',
  },
  InsufficientPrivileges: {
    category: 'Warn',
    when: "the source's user lacks privileges that the plan needs (LL-VSP-020), or the source does not say which it has (LL-VSP-021)",
    wayOut: "add them to the user's role; `ledgerlift vsphere role` prints one",
  },
  HostNotValid: {
    category: 'Warn',
    when: "a host in the provider's `hosts` is not a host of the source",
    wayOut: 'correct its name, or remove it',
  },
  HostSecretNotValid: {
    category: 'Critical',
    when: "VMs run on a host in the provider's `hosts` whose secret cannot be read",
    wayOut: "add a secret with the host's `user` and `password` at this site, or remove the host",
  },
  HostNotReady: {
    category: 'Warn',
    when: 'the host of a VM is in maintenance mode or not connected',
    wayOut: 'wait until it is back, or move the VM',
  },
  VDDKNotAvailable: {
    category: 'Critical',
    when: 'the plan is warm, and VDDK is missing on all transfer workers (Missing) or some of them (NotEverywhere), or is older than 6.5 (TooOld)',
    wayOut:
      'install VDDK on every transfer worker of the site, or in worker pods (`worker.settings` of the target), or make the plan `cold`',
  },
  VDDKVersionNotFitting: {
    category: 'Warn',
    when: 'VDDK is older than the vCenter or host that it reads from (OlderThanSource), or more than two releases newer (NewerThanSource)',
    wayOut: "install VDDK of the source's version, or of the next one, on the transfer workers",
  },
  DisksReadWithoutVDDK: {
    category: 'Warn',
    when: 'disks of a cold plan are read over HTTPS or exported, which is slower, because VDDK is missing (Missing, NotEverywhere) or too old (TooOld)',
    wayOut:
      'if that is too slow, install VDDK on every transfer worker of the site, or in worker pods (`worker.settings` of the target)',
  },
  SourceHasNoTags: {
    category: 'Warn',
    when: 'the plan sets `retireSource.tag`, but the source is an ESXi host, which has no tags',
    wayOut: "use the vCenter's address in the provider, or remove `tag`",
  },
  VMDiskNotSupported: {
    category: 'Critical',
    when: 'this kind of plan cannot copy a disk, because snapshots omit it (Independent), it prevents snapshots (Shared), or it is a LUN in physical mode (RDMPhysical)',
    wayOut: 'change the disk at the source, make a warm plan `cold`, or take the VM out of the plan',
  },
  IndependentDiskWarning: {
    category: 'Warn',
    when: 'snapshots of a VM omit a disk',
    wayOut: 'make the plan `cold`',
  },
  RDMDiskWarning: {
    category: 'Warn',
    when: 'a disk is a LUN of a storage array',
    wayOut: 'make sure that nobody else uses the LUN after the migration',
  },
  VMConsolidationNeeded: {
    category: 'Warn',
    when: 'files of removed snapshots are still in use',
    wayOut: 'consolidate the disks of the VM at the source',
  },
  VMUuidNotUnique: {
    category: 'Warn',
    when: 'another VM of the source has the same BIOS UUID, such as a copy of its files: software that identifies VMs by it may confuse the two',
    wayOut: 'change the UUID of one of them at the source',
  },
} as const;

export const condition = conditionsOf(vsphereConditionTypes);

/** Returns the conditions that vSphere raises on a plan. */
export function vspherePlanConditions(facts: SourcePlanFacts): readonly Condition[] {
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

function checkConnection({ source }: SourcePlanFacts): readonly Condition[] {
  if (source.spec.type !== 'vsphere' || !source.spec.settings.insecureSkipVerify) return [];
  const { name, settings } = source.spec;
  const message = `'${name}' accepts any certificate from ${new URL(settings.url).host}`;
  return [condition('ConnectionInsecure', 'NotVerified', message, [name])];
}

/** Lists the plan's uses of the source. Without VDDK both other ways to read count: which one will be used is not known yet. */
function usesOf(facts: SourcePlanFacts): readonly PrivilegeUse[] {
  const { spec, source } = facts;
  const { disconnectNics, renameSuffix, tag } = spec.retireSource;
  const isRetired = disconnectNics || renameSuffix !== undefined;
  const hasVddk = spec.type === 'warm' || vddkAt(facts)?.oldest !== undefined;
  const reads: readonly PrivilegeUse[] = hasVddk ? ['vddk'] : ['https', 'nfc'];
  return [
    'inventory',
    'power',
    ...(isHost(source.spec) ? ['moment' as const] : []),
    ...(spec.type === 'conversion' ? [] : reads),
    ...(spec.type === 'warm' ? ['warm' as const] : []),
    ...(spec.type === 'warm' && spec.warm.enableChangeTracking ? ['tracking' as const] : []),
    ...(isRetired ? ['retire' as const] : []),
    ...(tag === undefined ? [] : ['tag' as const]),
  ];
}

/** An ESXi host without a vCenter. */
const isHost = (spec: ProviderSpec): boolean =>
  spec.type === 'vsphere' && spec.settings.sdkEndpoint === 'esxi';

function checkPrivileges(facts: SourcePlanFacts): readonly Condition[] {
  const needed = new Set(requiredPrivileges(usesOf(facts)).map(({ id }) => id));
  return facts.source.problems
    .filter(({ code, item }) => code === 'LL-VSP-021' || (code === 'LL-VSP-020' && needed.has(item)))
    .map(({ code, item, message }) => condition('InsufficientPrivileges', code, message, [item]));
}

function checkHosts(facts: SourcePlanFacts): readonly Condition[] {
  return facts.source.problems.flatMap(({ code, item, message }) => {
    if (code === 'LL-VSP-022') return [condition('HostNotValid', code, message, [item])];
    // The item is the host's name, or its id if several hosts have that name.
    const there = readVms(facts).filter(({ host, hostId }) => host === item || hostId === item);
    if (code !== 'LL-VSP-023' || there.length === 0) return [];
    const vms = there.map(({ name }) => name);
    return [condition('HostSecretNotValid', code, `${message} (used by ${listed(vms)})`, [item, ...vms])];
  });
}

const OLDEST_VDDK = 6.5;

function checkVddk(facts: SourcePlanFacts): readonly Condition[] {
  const { spec, site = '' } = facts;
  const vddk = vddkAt(facts);
  if (vddk === undefined || readVms(facts).length === 0) return [];
  const lack = lackOf(vddk);
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

function misfitOf(facts: SourcePlanFacts): ReturnType<typeof vddkMisfit> {
  const oldest = vddkAt(facts)?.oldest;
  const version = facts.inventory?.version;
  return oldest === undefined || version === undefined ? undefined : vddkMisfit(oldest.version, version);
}

/** Returns what transfer workers report about VDDK; undefined if none answers. */
function vddkAt({ workers }: SourcePlanFacts): ToolAtSite | undefined {
  const tools = workers?.transferTools;
  return tools && (tools[VDDK] ?? { oldest: undefined, problems: [] });
}

function checkTags({ spec, source }: SourcePlanFacts): readonly Condition[] {
  const { tag } = spec.retireSource;
  if (tag === undefined || !isHost(source.spec)) return [];
  const message = `'${source.spec.name}' has no tags, so its VMs cannot be tagged '${tag}'`;
  return [condition('SourceHasNoTags', 'NoVcenter', message, [source.spec.name])];
}

function lackOf({
  oldest,
  problems,
}: ToolAtSite): { readonly reason: string; readonly message: string } | undefined {
  const why = problems.length === 0 ? '' : `: ${listed(problems, 3)}`;
  if (oldest === undefined) return { reason: 'Missing', message: `no transfer worker has VDDK${why}` };
  if (Number(/^\d+(\.\d+)?/.exec(oldest.version)?.[0] ?? OLDEST_VDDK) < OLDEST_VDDK) {
    const message = `VDDK in ${oldest.path} is version ${oldest.version}, and ${OLDEST_VDDK} is the oldest supported`;
    return { reason: 'TooOld', message };
  }
  return why === ''
    ? undefined
    : { reason: 'NotEverywhere', message: `some transfer workers lack VDDK${why}` };
}

type Backing = Extract<DiskBacking, { kind: 'vsphere' }>;

/** Finds disks that this kind of plan cannot copy. */
function checkDiskKinds(facts: SourcePlanFacts): readonly Condition[] {
  const isWarm = facts.spec.type === 'warm';
  const kinds: readonly (readonly [reason: string, is: (disk: SourceDisk) => boolean, why: string])[] = [
    ['Independent', (disk) => isWarm && isIndependent(disk), 'are not part of snapshots'],
    [
      'Shared',
      ({ shared }) => isWarm && shared,
      'are shared, and a VM with a shared disk cannot have snapshots',
    ],
    ['RDMPhysical', (disk) => backingOf(disk)?.format === 'rdm-physical', 'are LUNs in physical mode'],
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

function checkUuids(facts: SourcePlanFacts): readonly Condition[] {
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
