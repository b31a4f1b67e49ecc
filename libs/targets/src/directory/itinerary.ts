import type { ItineraryStep, Phase, ServiceName, VmRecord } from '@ledgerlift/contracts';
import { RecordMismatch } from '../errors.js';
import { claimsFor } from './claims.js';

/** First of the source's sites that reaches the target too; undefined: no worker can serve both. */
export function sharedSite(
  sourceSites: readonly string[],
  targetSites: readonly string[],
): string | undefined {
  return sourceSites.find((site) => targetSites.includes(site));
}

/**
 * The steps of one VM's cold migration into a directory, in their order. Recorded at the start and run as recorded.
 *
 * @param targetSites sites that reach the target; as the record has none, the source's count when it is left out
 * @throws RecordMismatch where no site reaches both: validation refuses such a plan before
 */
export function itineraryFor(
  record: VmRecord,
  targetSites: readonly string[] = record.source.provider.spec.sites,
): ItineraryStep[] {
  const site = sharedSite(record.source.provider.spec.sites, targetSites);
  if (site === undefined)
    throw new RecordMismatch(
      `no site reaches both ${record.source.provider.spec.name} and ${record.target.name}`,
    );
  const claims = claimsFor(record);
  const step = (name: ItineraryStep['step'], phase: Phase, service: ServiceName): ItineraryStep => ({
    step: name,
    phase,
    service,
    site,
    claims: [...claims[name]],
  });
  const { skipGuestConversion, bootProof } = record.settings;
  return [
    step('Initialize', 'planning', 'transfer'),
    step('SourcePowerOff', 'preparation', 'transfer'),
    step('DiskAllocation', 'preparation', 'transfer'),
    step('DiskTransfer', 'disk-transfer', 'transfer'),
    ...(skipGuestConversion
      ? []
      : [step('ImageConversion', 'conversion', 'converter'), step('ImageCommit', 'conversion', 'converter')]),
    step('VirtualMachineCreation', 'vm-creation', 'vm-creator'),
    step('FinalPowerActions', 'cutover', 'vm-creator'),
    ...(bootProof ? [step('BootProof', 'cutover', 'vm-creator')] : []),
  ];
}
