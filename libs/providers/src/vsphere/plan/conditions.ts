import {
  type Condition,
  type DiskBacking,
  type ProviderSpec,
  type SourceDisk,
  listed,
} from '@ledgerlift/contracts';
import { type SourcePlanFacts, type ToolAtSite, readVms } from '../../plan-facts.js';
import { type PrivilegeUse, requiredPrivileges } from '../privileges/index.js';
import { VDDK, vddkMisfit } from '../tools/index.js';
import { condition } from './condition-types.js';

/** What stands against a plan whose source is vSphere. */
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
  const message = `'${name}' takes any certificate from ${new URL(settings.url).host}`;
  return [condition('ConnectionInsecure', 'NotVerified', message, [name])];
}

/** What the plan does at the source. Without VDDK there are two other ways to read; which it is to be is not known yet. */
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
    // By its name, or by its id where several have that name.
    const there = readVms(facts).filter(({ host, hostId }) => host === item || hostId === item);
    if (code !== 'LL-VSP-023' || there.length === 0) return [];
    const vms = there.map(({ name }) => name);
    return [condition('HostSecretNotValid', code, `${message} (${listed(vms)} run there)`, [item, ...vms])];
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

/** What transfer workers say of VDDK; undefined where none answers. */
function vddkAt({ workers }: SourcePlanFacts): ToolAtSite | undefined {
  const tools = workers?.transferTools;
  return tools && (tools[VDDK] ?? { oldest: undefined, problems: [] });
}

function checkTags({ spec, source }: SourcePlanFacts): readonly Condition[] {
  const { tag } = spec.retireSource;
  if (tag === undefined || !isHost(source.spec)) return [];
  const message = `'${source.spec.name}' has no tags, and its VMs are to bear '${tag}'`;
  return [condition('SourceHasNoTags', 'NoVcenter', message, [source.spec.name])];
}

function lackOf({
  oldest,
  problems,
}: ToolAtSite): { readonly reason: string; readonly message: string } | undefined {
  const why = problems.length === 0 ? '' : `: ${listed(problems, 3)}`;
  if (oldest === undefined) return { reason: 'Missing', message: `no transfer worker has VDDK${why}` };
  if (Number(/^\d+(\.\d+)?/.exec(oldest.version)?.[0] ?? OLDEST_VDDK) < OLDEST_VDDK) {
    const message = `VDDK in ${oldest.path} is of version ${oldest.version}, and ${OLDEST_VDDK} is the oldest that is read with`;
    return { reason: 'TooOld', message };
  }
  return why === ''
    ? undefined
    : { reason: 'NotEverywhere', message: `some transfer workers lack VDDK${why}` };
}

type Backing = Extract<DiskBacking, { kind: 'vsphere' }>;

/** Disks that cannot be copied in the way that the plan asks for. */
function checkDiskKinds(facts: SourcePlanFacts): readonly Condition[] {
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
