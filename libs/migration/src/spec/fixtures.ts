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

/** A VM on its way from an OVA to a directory, without disks or NICs, which no decider looks at. */
export const record: VmRecord = vmRecord({ vm: { disks: [], nics: [] } });

const resource = (
  kind: Resource['kind'],
  name: string,
  service: Resource['service'],
  lifetime: Resource['lifetime'],
): Resource => ({ kind, name, service, lifetime });
export const folder = resource('folder', 'default/web', 'transfer', 'result');
export const disk = resource('disk', 'default/web/disk-0.raw', 'transfer', 'result');
export const chunks = resource('chunk-manifest', 'default/web/disk-0.chunks', 'transfer', 'resume');
export const scratch = resource('unpacked-disk', 'default/web/disk-0.unpacked', 'transfer', 'temporary');
export const v2vLog = resource('log', 'default/web/logs/virt-v2v.log', 'converter', 'evidence');

export const snapshot = resource('snapshot', 'ledgerlift-run-0-{round}', 'transfer', 'temporary');
export const overlay = resource('overlay', 'default/web/disk-0.raw.overlay.qcow2', 'converter', 'resume');
export const testOverlay = resource('overlay', 'default/web/disk-0.raw.test.qcow2', 'converter', 'temporary');

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

/** A warm migration: the initial copy, rounds, a test boot, the cutover, and the steps after it. */
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

/** A report of worker `w1` about an attempt. */
export function report(
  name: StepName,
  attempt: number,
  number: number,
  content: Partial<Omit<Report, 'ref' | 'number'>> = {},
): Report {
  const ref = { stream: 'vm-m1-0', step: name, attempt, worker: 'w1' };
  return { ref, number, claimed: [], released: [], conditions: [], checkpoints: [], ...content };
}

/** @param round number of the round, which names the snapshot */
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
