import { type DirectorySettings, type SourceVm, type VmRecord, VmSettings } from '@ledgerlift/contracts';
import { type VmLayout, layoutFor } from '@ledgerlift/targets';
import type { ResolvedPlan } from '../runs/run-service.js';
import { needsNoStorage } from './checks/brought.js';
import { networkPairs, pairOfDisk, pairOfNic, storagePairs } from './pairs.js';
import type { PlanFacts, PlannedVm, ProviderFacts } from './plan-facts.js';

/**
 * The plan as it would run, with everything that it refers to written out.
 *
 * @param facts of a plan against which nothing Critical stands
 * @returns undefined where something is missing all the same
 */
export function resolvePlan(
  facts: PlanFacts,
  installation: string,
  conditions: ResolvedPlan['conditions'],
): ResolvedPlan | undefined {
  const { planId, spec, source, target, networkMapping, storageMapping } = facts;
  if (source === undefined || target?.spec.type !== 'directory') return undefined;
  if (networkMapping === undefined || (storageMapping === undefined && !needsNoStorage(facts)))
    return undefined;
  const vms = facts.vms.flatMap((planned) => {
    const record = resolveVm(facts, planned, installation, source, target);
    return record === undefined ? [] : [record];
  });
  if (vms.length !== facts.vms.length) return undefined;
  return {
    planId,
    // What the selectors mean now is what the run is, whatever they mean later: its waves and VMs are read from here.
    spec: { ...spec, vms: facts.vms.map(({ entry, vm }) => ({ ...entry, ref: vm?.id ?? entry.ref })) },
    networkMapping: networkMapping.spec,
    ...(storageMapping === undefined ? {} : { storageMapping: storageMapping.spec }),
    conditions,
    vms,
  };
}

type Resolved = ResolvedPlan['vms'][number];

function resolveVm(
  facts: PlanFacts,
  { vm, entry, targetName, targetNamespace }: PlannedVm,
  installation: string,
  source: ProviderFacts,
  target: ProviderFacts,
): Resolved | undefined {
  const { spec, planId } = facts;
  if (vm === undefined || target.spec.type !== 'directory') return undefined;
  const { settings, name, sites } = target.spec;
  const layout = layoutFor({
    namespace: targetNamespace,
    targetName,
    disks: vm.disks.length,
    format: settings.diskFormat,
  });
  const disks =
    spec.type === 'conversion'
      ? resolveBrought(facts, vm, layout, settings)
      : resolveDisks(facts, vm, layout, settings.diskFormat);
  if (disks === undefined) return undefined;
  // Only sites that reach both ends may be asked: the record's sites are where its steps are sent.
  const shared = source.spec.sites.filter((site) => sites.includes(site));
  return {
    installation,
    planId,
    planName: spec.name,
    source: { provider: { id: source.id, spec: { ...source.spec, sites: shared } }, vm },
    target: { providerId: target.id, type: 'directory', name, settings },
    targetName,
    targetNamespace,
    folder: layout.folder,
    nics: resolveNics(facts, vm),
    disks,
    labels: { ...spec.labels, ...entry.labels },
    powerState: entry.targetPowerState ?? spec.targetPowerState,
    settings: VmSettings.parse({
      ...spec,
      // The plan's own are done once for all of its VMs.
      hooks: spec.hooks.filter(({ scope }) => scope !== 'plan'),
      ...(entry.rootDisk === undefined ? {} : { rootDisk: entry.rootDisk }),
      ...(entry.preserveStaticIps === undefined ? {} : { preserveStaticIps: entry.preserveStaticIps }),
      ...(entry.luks === undefined ? {} : { luks: entry.luks }),
      ...(entry.recoveryKeyHeld === undefined ? {} : { recoveryKeyHeld: entry.recoveryKeyHeld }),
      ...(entry.cutoverAt === undefined
        ? {}
        : { warm: { ...spec.warm, cutover: { by: 'time', at: entry.cutoverAt } } }),
    }),
    ...(entry.wave === undefined ? {} : { wave: entry.wave }),
    ...(entry.priority === undefined ? {} : { priority: entry.priority }),
    ...(facts.expected === undefined ? {} : { expected: facts.expected }),
  };
}

function resolveDisks(
  facts: PlanFacts,
  vm: SourceVm,
  layout: VmLayout,
  format: 'raw' | 'qcow2',
): VmRecord['disks'] | undefined {
  const pairs = storagePairs(facts.storageMapping?.spec);
  const disks = vm.disks.flatMap((disk, index) => {
    const pair = pairOfDisk(disk, pairs, facts.inventory);
    const place = layout.disks[index];
    if (pair === undefined || place === undefined) return [];
    const { storageClass, accessMode, volumeMode } = pair.destination;
    return [
      {
        diskId: disk.id,
        name: place.disk,
        pvcName: place.pvcName,
        storageClass,
        accessMode,
        volumeMode,
        format,
      },
    ];
  });
  return disks.length === vm.disks.length ? disks : undefined;
}

/** What the plan says of storage is told in the manifests; where it says nothing, the target's first storage is. */
function resolveBrought(
  { brought, storageMapping, inventory }: PlanFacts,
  vm: SourceVm,
  layout: VmLayout,
  { storages }: DirectorySettings,
): VmRecord['disks'] | undefined {
  const pairs = storagePairs(storageMapping?.spec);
  const [first] = storages;
  const disks = vm.disks.flatMap((disk, index) => {
    const found = brought.get(vm.id)?.disks.find(({ diskId }) => diskId === disk.id);
    const place = layout.disks[index];
    if (found === undefined || place === undefined) return [];
    const { storageClass, accessMode, volumeMode } = pairOfDisk(disk, pairs, inventory)?.destination ?? {
      storageClass: first?.name ?? 'default',
      accessMode: first?.accessModes[0] ?? 'ReadWriteOnce',
      volumeMode: first?.volumeModes[0] ?? 'Filesystem',
    };
    const { name, format } = found;
    const { pvcName } = place;
    return [
      {
        diskId: disk.id,
        name,
        pvcName,
        storageClass,
        accessMode,
        volumeMode,
        format,
        adopted: true as const,
      },
    ];
  });
  return disks.length === vm.disks.length ? disks : undefined;
}

function resolveNics({ networkMapping, inventory }: PlanFacts, vm: SourceVm): VmRecord['nics'] {
  const pairs = networkPairs(networkMapping?.spec);
  return vm.nics.map((nic) => {
    const destination = pairOfNic(nic, pairs, inventory)?.destination;
    const network = destination === undefined || destination.type === 'ignored' ? null : destination;
    return { nicId: nic.id, ...(nic.mac === undefined ? {} : { mac: nic.mac }), network };
  });
}
