import type {
  ItineraryStep,
  Report,
  Resource,
  Snapshot,
  StepError,
  StepName,
  StepOutcome,
  StepResult,
  VmRecord,
} from '@ledgerlift/contracts';
import { vmRecord } from '@ledgerlift/testing';

/** A VM on its way from an OVA to a directory, without disks or NICs that a decider would not look at. */
export const record: VmRecord = vmRecord({ vm: { disks: [], nics: [] } });

export const folder: Resource = {
  kind: 'folder',
  name: 'default/web',
  service: 'transfer',
  lifetime: 'result',
};
export const disk: Resource = {
  kind: 'disk',
  name: 'default/web/disk-0.raw',
  service: 'transfer',
  lifetime: 'result',
};
export const chunks: Resource = {
  kind: 'chunk-manifest',
  name: 'default/web/disk-0.chunks',
  service: 'transfer',
  lifetime: 'resume',
};
export const scratch: Resource = {
  kind: 'unpacked-disk',
  name: 'default/web/disk-0.unpacked',
  service: 'transfer',
  lifetime: 'temporary',
};
export const v2vLog: Resource = {
  kind: 'log',
  name: 'default/web/logs/virt-v2v.log',
  service: 'converter',
  lifetime: 'evidence',
};

export const snapshot: Resource = {
  kind: 'snapshot',
  name: 'ledgerlift-run-0-{round}',
  service: 'transfer',
  lifetime: 'temporary',
};
export const overlay: Resource = {
  kind: 'overlay',
  name: 'default/web/disk-0.raw.overlay.qcow2',
  service: 'converter',
  lifetime: 'resume',
};
export const testOverlay: Resource = {
  kind: 'overlay',
  name: 'default/web/disk-0.raw.test.qcow2',
  service: 'converter',
  lifetime: 'temporary',
};

const step = (
  name: ItineraryStep['step'],
  rest: Omit<ItineraryStep, 'step' | 'site' | 'part'>,
): ItineraryStep => ({
  step: name,
  site: 'local',
  part: 'main',
  ...rest,
});

export const itinerary: readonly ItineraryStep[] = [
  step('Initialize', { phase: 'planning', service: 'transfer', claims: [] }),
  step('DiskAllocation', { phase: 'preparation', service: 'transfer', claims: [folder, disk] }),
  step('DiskTransfer', { phase: 'disk-transfer', service: 'transfer', claims: [chunks, scratch] }),
  step('ImageConversion', { phase: 'conversion', service: 'converter', claims: [v2vLog] }),
  step('VirtualMachineCreation', { phase: 'vm-creation', service: 'vm-creator', claims: [] }),
];

const inPart = (
  part: ItineraryStep['part'],
  name: ItineraryStep['step'],
  rest: Parameters<typeof step>[1],
) => ({
  ...step(name, rest),
  part,
});
const transfer = (phase: ItineraryStep['phase'], claims: readonly Resource[] = []) => ({
  phase,
  service: 'transfer' as const,
  claims: [...claims],
});

/** A warm migration: a first copy, rounds, a test boot, the cutover, and what follows from it. */
export const warmItinerary: readonly ItineraryStep[] = [
  step('Initialize', transfer('planning')),
  step('DiskAllocation', transfer('preparation', [folder, disk])),
  step('SnapshotCreation', transfer('disk-transfer', [snapshot])),
  step('DiskTransfer', transfer('disk-transfer', [chunks])),
  inPart('precopy', 'SnapshotRemoval', transfer('disk-transfer')),
  inPart('precopy', 'SnapshotCreation', transfer('disk-transfer', [snapshot])),
  inPart('precopy', 'DiskTransfer', transfer('disk-transfer', [chunks])),
  inPart('test', 'TestConversion', { phase: 'conversion', service: 'converter', claims: [testOverlay] }),
  inPart('test', 'TestBoot', { phase: 'conversion', service: 'vm-creator', claims: [] }),
  inPart('cutover', 'SourcePowerOff', transfer('cutover')),
  inPart('cutover', 'SnapshotRemoval', transfer('cutover')),
  inPart('cutover', 'SnapshotCreation', transfer('cutover', [snapshot])),
  inPart('cutover', 'DiskTransfer', transfer('cutover', [chunks])),
  step('ImageConversion', { phase: 'conversion', service: 'converter', claims: [v2vLog, overlay] }),
  step('ImageCommit', { phase: 'conversion', service: 'converter', claims: [] }),
  step('VirtualMachineCreation', { phase: 'vm-creation', service: 'vm-creator', claims: [] }),
  step('FinalPowerActions', { phase: 'cutover', service: 'vm-creator', claims: [] }),
];

export const results: Readonly<Record<string, StepResult>> = {
  Initialize: { step: 'Initialize', powerState: 'off', fingerprint: 'f1' },
  DiskAllocation: { step: 'DiskAllocation', disks: [] },
  DiskTransfer: { step: 'DiskTransfer', disks: [], pass: { kind: 'cold', round: 0 } },
  ImageConversion: {
    step: 'ImageConversion',
    inspection: {
      osName: 'debian12',
      osProduct: 'Debian',
      osVersion: '12',
      arch: 'x86_64',
      family: 'linux',
      rootDevice: '/dev/sda1',
      firmware: 'bios',
      bootDisk: 0,
    },
    capabilities: { diskBus: 'virtio', nicModel: 'virtio', rng: true, balloon: true },
    overlays: [],
    log: v2vLog.name,
  },
  SourcePowerOff: { step: 'SourcePowerOff', momentId: 'off-1', how: 'shut-down' },
  PreflightInspection: { step: 'PreflightInspection', log: '' },
  SnapshotRemoval: { step: 'SnapshotRemoval', removed: [] },
  ImageCommit: { step: 'ImageCommit', disks: [] },
  VirtualMachineCreation: { step: 'VirtualMachineCreation', files: [] },
  FinalPowerActions: { step: 'FinalPowerActions', sourcePowerState: 'off', target: 'ready' },
  BootProof: { step: 'BootProof', booted: true, seconds: 1, evidence: 'login:', log: '' },
  TestConversion: { step: 'TestConversion', overlays: [], log: '' },
  TestBoot: { step: 'TestBoot', booted: true, seconds: 1, evidence: 'login:', log: '', moment: '' },
  TargetPowerOff: { step: 'TargetPowerOff' },
  SourcePowerOn: { step: 'SourcePowerOn', powerState: 'on' },
  SourceRestoration: { step: 'SourceRestoration', did: [] },
  SourceRetirement: { step: 'SourceRetirement', did: [] },
  PostHook: { step: 'PostHook', hook: 'ticket', said: '' },
  Cleanup: { step: 'Cleanup' },
};

export const connectionReset: StepError = {
  code: 'LL-NBD-001',
  class: 'transient',
  message: 'connection reset',
};
export const noRoot: StepError = { code: 'LL-CNV-001', class: 'permanent', message: 'no root device' };
export const otherHost: StepError = {
  code: 'LL-DSK-001',
  class: 'needs-operator',
  message: 'the writer is on another host.',
};
export const noon = new Date('2026-11-23T12:00:00.000Z');

/** What the worker `w1` says about an attempt. */
export function report(
  name: StepName,
  attempt: number,
  number: number,
  content: Partial<Omit<Report, 'ref' | 'number'>> = {},
): Report {
  const ref = { stream: 'vm-m1-0', step: name, attempt, worker: 'w1' };
  return { ref, number, claimed: [], released: [], conditions: [], checkpoints: [], ...content };
}

/** @param round number of the pass, which a snapshot is named by */
export function completedBy(name: StepName, round = 0): StepOutcome {
  if (name === 'SnapshotCreation')
    return { kind: 'completed', result: { step: name, snapshot: snapshotOf(round) } };
  const result = results[name];
  if (result === undefined) throw new Error(`the fixtures have no result of ${name}`);
  return { kind: 'completed', result };
}
export const failedWith = (error: StepError): StepOutcome => ({ kind: 'failed', error });
export const stoppedAsTold: StepOutcome = { kind: 'stopped', reason: 'told to' };
export const sourceRan: StepOutcome = { kind: 'source-ran', reason: 'it is at another moment' };

export const snapshotOf = (round: number): Snapshot => ({
  name: snapshot.name.replace('{round}', String(round)),
  id: `snapshot-${round}`,
  momentId: `moment-${round}`,
  createdAt: noon.toISOString(),
  disks: [{ diskId: 'd0', changeId: `change-${round}` }],
});
