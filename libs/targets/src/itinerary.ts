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
import { sharedSite } from './sites.js';

/**
 * The steps of one VM's migration, in the order that suits a target where disks are copied before a guest is converted in
 * them: data, recorded at the start and run as recorded.
 *
 * - cold: the source is powered off before any byte is copied;
 * - warm: a first copy from a snapshot, then rounds of { previous snapshot removed → new one → what changed }, then the
 *   cutover: source off, last snapshot, last delta. Change ids are in the log (with the result of `SnapshotCreation`)
 *   before the snapshot that they belong to is removed; the other order loses writes (Forklift PR 1184);
 * - conversion: the disks are there already, and are adopted.
 *
 * @param claims what each step claims
 * @param targetSites sites that reach the target; as the record has none, the source's count when it is left out
 * @throws RecordMismatch where no site reaches both: validation refuses such a plan before
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
