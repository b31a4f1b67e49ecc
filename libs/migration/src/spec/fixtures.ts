import type {
  ItineraryStep,
  Report,
  Resource,
  StepError,
  StepName,
  StepOutcome,
  StepResult,
  VmRecord,
} from '@ledgerlift/contracts';

/** A VM with one disk, on its way from an OVA to a directory. */
export const record: VmRecord = {
  installation: 'lab',
  migrationId: 'm1',
  planId: 'p1',
  planName: 'first-wave',
  index: 0,
  source: {
    provider: {
      id: 'src',
      spec: { name: 'files', type: 'ova', sites: ['local'], settings: { path: '/ovas' } },
    },
    vm: {
      id: 'vm-1',
      name: 'web',
      path: '/ovas/web.ova',
      powerState: 'off',
      cpu: { count: 1, coresPerSocket: 1, affinity: [], hotAdd: false },
      memory: { bytes: 2 ** 30, hotAdd: false },
      firmware: 'bios',
      secureBoot: false,
      tpm: false,
      os: { id: 'debian12_64Guest', description: 'Debian', family: 'linux' },
      disks: [],
      nics: [],
      exportedBy: 'VMware',
      fingerprint: 'f1',
      concerns: [],
    },
  },
  target: {
    providerId: 'dst',
    type: 'directory',
    name: 'out',
    settings: { path: '/out', diskFormat: 'raw', networks: [], storages: [] },
  },
  targetName: 'web',
  targetNamespace: 'default',
  folder: 'default/web',
  nics: [],
  disks: [],
  labels: {},
  powerState: 'auto',
  settings: {
    type: 'cold',
    skipGuestConversion: false,
    useCompatibilityMode: true,
    verify: 'written',
    bootProof: false,
    retry: { maxRetries: 3, maxLost: 25, baseDelayMs: 10_000, maxDelayMs: 300_000 },
    powerOnSourceAfterFailure: true,
  },
};

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

const step = (name: ItineraryStep['step'], rest: Omit<ItineraryStep, 'step' | 'site'>): ItineraryStep => ({
  step: name,
  site: 'local',
  ...rest,
});

export const itinerary: readonly ItineraryStep[] = [
  step('Initialize', { phase: 'planning', service: 'transfer', claims: [] }),
  step('DiskAllocation', { phase: 'preparation', service: 'transfer', claims: [folder, disk] }),
  step('DiskTransfer', { phase: 'disk-transfer', service: 'transfer', claims: [chunks, scratch] }),
  step('ImageConversion', { phase: 'conversion', service: 'converter', claims: [v2vLog] }),
  step('VirtualMachineCreation', { phase: 'vm-creation', service: 'vm-creator', claims: [] }),
];

export const results: Readonly<Record<string, StepResult>> = {
  Initialize: { step: 'Initialize', powerState: 'off', fingerprint: 'f1' },
  DiskAllocation: { step: 'DiskAllocation', disks: [] },
  DiskTransfer: { step: 'DiskTransfer', disks: [] },
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
  VirtualMachineCreation: { step: 'VirtualMachineCreation', files: [] },
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

export function completedBy(name: StepName): StepOutcome {
  const result = results[name];
  if (result === undefined) throw new Error(`the fixtures have no result of ${name}`);
  return { kind: 'completed', result };
}
export const failedWith = (error: StepError): StepOutcome => ({ kind: 'failed', error });
