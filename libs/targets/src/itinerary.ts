import type {
  HookMoment,
  ItineraryPart,
  ItineraryStep,
  Phase,
  Resource,
  ServiceName,
  StepName,
  VmRecord,
} from '@ledgerlift/contracts';
import { RecordMismatch } from './errors.js';

/**
 * Lists the steps of one VM's migration, for targets where disks are copied first and then converted in place. The list is
 * recorded at the start and run as recorded.
 *
 * - cold: powers the source off before copying any byte;
 * - warm: copies from a snapshot, then does rounds of { remove the previous snapshot → create one → copy the changes }, then
 *   the cutover: source off, last snapshot, last delta. Change ids must be in the log (with the result of `SnapshotCreation`)
 *   before their snapshot is removed; the other order loses writes (Forklift PR 1184);
 * - conversion: adopts disks that are already at the target.
 *
 * @param claims the resources that each step claims
 * @param targetSites sites that reach the target; the source's sites by default, because the record has none for the target
 * @throws RecordMismatch if no site reaches both; validation refuses such a plan earlier
 */
export function usualItinerary(
  record: VmRecord,
  claims: Readonly<Record<StepName, readonly Resource[]>>,
  targetSites: readonly string[] = record.source.provider.spec.sites,
): ItineraryStep[] {
  const site = sharedSite(record.source.provider.spec.sites, targetSites);
  if (site === undefined)
    throw new RecordMismatch(
      `no site reaches both ${record.source.provider.spec.name} and ${record.target.name}`,
    );
  const step =
    (part: ItineraryPart) =>
    (name: ItineraryStep['step'], phase: Phase, service: ServiceName, hook?: string): ItineraryStep => ({
      step: name,
      phase,
      service,
      site,
      part,
      claims: [...claims[name]],
      ...(hook === undefined ? {} : { hook }),
    });
  const hooks = (
    at: HookMoment,
    name: 'PreHook' | 'CutoverHook' | 'PostHook',
    part: ItineraryPart,
    phase: Phase,
  ): ItineraryStep[] =>
    record.settings.hooks
      .filter((hook) => hook.at === at)
      .map((hook) => step(part)(name, phase, hook.run.kind === 'event' ? 'external' : 'transfer', hook.name));
  const { skipGuestConversion, inspect, bootProof, type } = record.settings;
  const [main, precopy, test, cutover] = [step('main'), step('precopy'), step('test'), step('cutover')];
  const begin = [
    main('Initialize', 'planning', 'transfer'),
    ...hooks('before', 'PreHook', 'main', 'preparation'),
  ];
  const end = [
    ...(skipGuestConversion
      ? []
      : [main('ImageConversion', 'conversion', 'converter'), main('ImageCommit', 'conversion', 'converter')]),
    main('VirtualMachineCreation', 'vm-creation', 'vm-creator'),
    main('FinalPowerActions', 'cutover', 'vm-creator'),
    ...(bootProof ? [main('BootProof', 'cutover', 'vm-creator')] : []),
    ...hooks('after', 'PostHook', 'main', 'cutover'),
  ];
  const powerOff = (part: ItineraryPart, phase: Phase): ItineraryStep[] => [
    ...hooks('cutover', 'CutoverHook', part, phase),
    step(part)('SourcePowerOff', phase, 'transfer'),
  ];
  switch (type) {
    case 'cold':
    case 'live':
      return [
        ...begin,
        ...powerOff('main', 'preparation'),
        main('DiskAllocation', 'preparation', 'transfer'),
        main('DiskTransfer', 'disk-transfer', 'transfer'),
        ...end,
      ];
    case 'conversion':
      return [
        ...begin,
        ...powerOff('main', 'preparation'),
        main('DiskAllocation', 'preparation', 'transfer'),
        ...end,
      ];
    case 'warm':
      return [
        ...begin,
        main('DiskAllocation', 'preparation', 'transfer'),
        main('SnapshotCreation', 'disk-transfer', 'transfer'),
        ...(inspect && !skipGuestConversion ? [main('PreflightInspection', 'preparation', 'converter')] : []),
        main('DiskTransfer', 'disk-transfer', 'transfer'),
        precopy('SnapshotRemoval', 'disk-transfer', 'transfer'),
        precopy('SnapshotCreation', 'disk-transfer', 'transfer'),
        precopy('DiskTransfer', 'disk-transfer', 'transfer'),
        test('TestConversion', 'conversion', 'converter'),
        test('TestBoot', 'conversion', 'vm-creator'),
        ...powerOff('cutover', 'cutover'),
        cutover('SnapshotRemoval', 'cutover', 'transfer'),
        cutover('SnapshotCreation', 'cutover', 'transfer'),
        cutover('DiskTransfer', 'cutover', 'transfer'),
        ...end,
      ];
  }
}

/** Finds the first of the source's sites that also reaches the target; undefined if no worker can serve both. */
export function sharedSite(
  sourceSites: readonly string[],
  targetSites: readonly string[],
): string | undefined {
  return sourceSites.find((site) => targetSites.includes(site));
}
