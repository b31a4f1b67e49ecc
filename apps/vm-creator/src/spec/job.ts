import {
  type Condition,
  type Job,
  type Progress,
  type Release,
  type StepName,
  type StepResult,
  type VmRecord,
  VmSettings,
} from '@ledgerlift/contracts';
import type { Attempt } from '@ledgerlift/messaging';
import { layoutFor } from '@ledgerlift/targets';

export interface RecordOptions {
  readonly root: string;
  readonly disks?: number;
  readonly format?: 'raw' | 'qcow2';
  readonly bytes?: number;
  readonly firmware?: 'bios' | 'efi';
  readonly settings?: Partial<VmRecord['settings']>;
}

/** A VM that was copied raw: an OVA, some disks, one NIC. */
export function vmRecord(options: RecordOptions): VmRecord {
  const { root, disks = 1, format = 'raw', bytes = 1 << 20, firmware = 'bios' } = options;
  const layout = layoutFor({ namespace: 'default', targetName: 'web', disks, format });
  return {
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
        name: 'Web Server',
        path: '/ovas/web.ova',
        powerState: 'off',
        cpu: { count: 1, coresPerSocket: 1, affinity: [], hotAdd: false },
        memory: { bytes: 512 * 2 ** 20, hotAdd: false },
        firmware,
        secureBoot: false,
        tpm: false,
        os: { id: 'debian12_64Guest', description: 'Debian', family: 'linux' },
        disks: layout.disks.map((_, index) => ({
          id: `disk-${index}`,
          name: `web-disk${index + 1}.vmdk`,
          capacityBytes: bytes,
          storage: 'ova',
          bus: 'scsi',
          controller: 0,
          unit: index,
          shared: false,
          backing: {
            kind: 'ova',
            format: 'vmdk',
            parts: [{ file: 'web.ova', offset: 0, length: 1 }],
            compression: 'none',
          },
        })),
        nics: [
          {
            id: 'nic-0',
            name: 'Network adapter 1',
            network: 'VM Network',
            mac: '00:50:56:aa:bb:cc',
            model: 'vmxnet3',
            kind: 'ethernet',
          },
        ],
        exportedBy: 'VMware',
        fingerprint: 'f1',
        concerns: [],
      },
    },
    target: {
      providerId: 'dst',
      type: 'directory',
      name: 'out',
      settings: { path: root, diskFormat: format, networks: [], storages: [] },
    },
    targetName: 'web',
    targetNamespace: 'default',
    folder: layout.folder,
    nics: [{ nicId: 'nic-0', network: { type: 'pod' } }],
    disks: layout.disks.map(({ disk, pvcName }, index) => ({
      diskId: `disk-${index}`,
      name: disk,
      pvcName,
      storageClass: 'default',
      accessMode: 'ReadWriteOnce',
      volumeMode: 'Filesystem',
      format,
    })),
    labels: {},
    powerState: 'auto',
    settings: { ...VmSettings.parse({ skipGuestConversion: true, bootProof: true }), ...options.settings },
  };
}

export interface RecordedAttempt extends Attempt {
  readonly releases: Release[];
  readonly progresses: { readonly items: readonly Progress['items'][number][]; readonly message: string }[];
  readonly conditions: Condition[];
}

export interface AttemptOptions {
  readonly results?: readonly StepResult[];
  readonly release?: Job['release'];
  readonly signal?: AbortSignal;
}

/** An attempt whose reports are kept to be looked at. */
export function attemptAt(step: StepName, record: VmRecord, options: AttemptOptions = {}): RecordedAttempt {
  const { results = [], release = [], signal = new AbortController().signal } = options;
  const releases: Release[] = [];
  const progresses: RecordedAttempt['progresses'] = [];
  const conditions: Condition[] = [];
  return {
    job: { record, step, attempt: 1, results: [...results], checkpoints: [], ledger: [], release },
    ref: { stream: 'vm-m1-0', step, attempt: 1, worker: 'vm-creator/test/1' },
    signal,
    releases,
    progresses,
    conditions,
    bandwidthLimit: undefined,
    onBandwidthLimit: () => () => undefined,
    claim: () => Promise.resolve(),
    checkpoint: () => Promise.resolve(),
    adopt: () => Promise.resolve(),
    released: (given) => Promise.resolve(void releases.push(...given)),
    raise: (condition) => Promise.resolve(void conditions.push(condition)),
    progress: (items, message) => void progresses.push({ items, message }),
  };
}

/** What the log has of a VM that was converted, and has virtio. */
export const conversion: StepResult = {
  step: 'ImageConversion',
  inspection: {
    osName: 'web',
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
  log: 'default/web/logs/virt-v2v.log',
};

/** What the log has of a source that was powered off. */
export const poweredOff = (momentId: string): StepResult => ({
  step: 'SourcePowerOff',
  momentId,
  how: 'was-off',
});
