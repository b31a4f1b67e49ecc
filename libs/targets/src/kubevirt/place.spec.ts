import { describe, expect, it } from '@jest/globals';
import type { StepName, VmRecord } from '@ledgerlift/contracts';
import { RecordMismatch } from '../errors.js';
import { itineraryFor } from './place.js';
import { podSite } from './pod/names.js';
import { clusterRecord } from './pod/pod-record.fixture.js';

const stepsOf = (record: VmRecord): readonly StepName[] => itineraryFor(record).map(({ step }) => step);
const inPodOf = (record: VmRecord): readonly StepName[] =>
  itineraryFor(record)
    .filter(({ site }) => site === podSite('local', record))
    .map(({ step }) => step);
/** The steps whose workers reach the API server, or the source. */
const elsewhereOf = (record: VmRecord): ReadonlySet<StepName> =>
  new Set(
    itineraryFor(record)
      .filter(({ site }) => site === 'local')
      .map(({ step }) => step),
  );

describe('the steps of a migration into a cluster', () => {
  it('are done beside the disks where they read or write them: cold', () => {
    const record = clusterRecord({ settings: { type: 'cold' } });
    expect(inPodOf(record)).toEqual(['DiskTransfer', 'ImageConversion', 'ImageCommit']);
    expect([...elsewhereOf(record)]).toEqual([
      'Initialize',
      'SourcePowerOff',
      'DiskAllocation',
      'VirtualMachineCreation',
      'FinalPowerActions',
    ]);
  });

  it('are done beside the disks where they read or write them: warm', () => {
    const record = clusterRecord({ settings: { type: 'warm', inspect: true } });
    expect(inPodOf(record)).toEqual([
      'PreflightInspection',
      ...['DiskTransfer', 'DiskTransfer', 'TestConversion', 'TestBoot', 'DiskTransfer'],
      ...['ImageConversion', 'ImageCommit'],
    ]);
    expect([...elsewhereOf(record)].toSorted()).toEqual([
      ...['DiskAllocation', 'FinalPowerActions', 'Initialize', 'SnapshotCreation', 'SnapshotRemoval'],
      ...['SourcePowerOff', 'VirtualMachineCreation'],
    ]);
  });

  it('leave the pod alone where nothing is done in it', () => {
    const record = clusterRecord({ settings: { type: 'conversion', skipGuestConversion: true } });
    expect(inPodOf(record)).toEqual([]);
  });

  it('convert existing disks, and copy nothing', () => {
    const record = clusterRecord({ settings: { type: 'conversion' } });
    expect(inPodOf(record)).toEqual(['ImageConversion', 'ImageCommit']);
  });

  it('copy, and convert nothing', () => {
    const record = clusterRecord({ settings: { type: 'cold', skipGuestConversion: true } });
    expect(inPodOf(record)).toEqual(['DiskTransfer']);
  });

  it.each(['cold', 'warm', 'conversion'] as const)(
    'prove that a guest boots before it may start: %s',
    (type) => {
      const record = clusterRecord({ settings: { type, bootProof: true } });
      expect(stepsOf(record).slice(-3)).toEqual(['VirtualMachineCreation', 'BootProof', 'FinalPowerActions']);
      expect(inPodOf(record).at(-1)).toBe('BootProof');
      expect(stepsOf(record).filter((step) => step === 'BootProof')).toHaveLength(1);
      // Where there is none, nothing else moves.
      const without = clusterRecord({ settings: { type } });
      expect(stepsOf(record).filter((step) => step !== 'BootProof')).toEqual(stepsOf(without));
    },
  );

  it('go to the pod at the site that reaches both ends', () => {
    const record = clusterRecord();
    expect(itineraryFor(record, ['edge']).map(({ site }) => site)).toContain(podSite('edge', record));
    expect(() => itineraryFor(record, ['nowhere'])).toThrow(RecordMismatch);
  });
});
