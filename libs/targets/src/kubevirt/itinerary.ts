import type { ItineraryStep, StepName, VmRecord } from '@ledgerlift/contracts';
import { usualItinerary } from '../itinerary.js';
import { claimsFor } from './ledger.js';
import { podSite } from './pod/names.js';

/** What is done beside the disks, in the VM's own pod. */
const IN_POD: ReadonlySet<StepName> = new Set([
  'DiskTransfer',
  'PreflightInspection',
  'TestConversion',
  'TestBoot',
  'ImageConversion',
  'ImageCommit',
  'BootProof',
]);

/**
 * The usual steps; those that read or write disks are sent to the VM's pod. A boot proof comes before the VM may start: afterwards its disks are
 * the VM's alone.
 *
 * @throws RecordMismatch where no site reaches both ends
 */
export function itineraryFor(record: VmRecord, targetSites?: readonly string[]): ItineraryStep[] {
  const steps = usualItinerary(record, claimsFor(record), targetSites).map((each) =>
    IN_POD.has(each.step) ? { ...each, site: podSite(each.site, record) } : each,
  );
  const proof = steps.find(({ step }) => step === 'BootProof');
  if (proof === undefined) return steps;
  return steps.flatMap((each) => {
    if (each === proof) return [];
    return each.step === 'FinalPowerActions' ? [proof, each] : [each];
  });
}
