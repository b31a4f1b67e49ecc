import {
  type Job,
  type ProviderSpec,
  type SourceDisk,
  type StepName,
  type VmRecord,
  VmSettings,
} from '@ledgerlift/contracts';
import type { z } from 'zod';
import { sourceDisk, type SourceVmOptions, sourceVm } from './source-vm.js';

export interface RecordOptions {
  /** What of `sourceVm()` is different. */
  readonly vm?: SourceVmOptions;
  /** How many disks; left out: one, or those of `vm`. */
  readonly disks?: number;
  /** What is different of each of these disks. */
  readonly eachDisk?: Partial<SourceDisk>;
  /** Left out: an OVA provider. */
  readonly provider?: ProviderSpec;
  /** The target's folder. */
  readonly root?: string;
  readonly format?: 'raw' | 'qcow2';
  readonly settings?: z.input<typeof VmSettings>;
  /** Whatever else differs from the usual. */
  readonly record?: Partial<VmRecord>;
}

const files: ProviderSpec = {
  name: 'files',
  type: 'ova',
  sites: ['local', 'edge'],
  settings: { path: '/ovas' },
};

/** A VM as `VmMigrationStarted` records it: bound for a directory, each disk and NIC mapped, named `default/web`. */
export function vmRecord(options: RecordOptions = {}): VmRecord {
  const { disks = 1, eachDisk = {}, provider = files, root = '/out', format = 'raw' } = options;
  const usual = Array.from({ length: disks }, (_, index) => sourceDisk(index, eachDisk));
  const vm = sourceVm({ disks: usual, ...options.vm });
  return {
    installation: 'lab',
    migrationId: 'm1',
    planId: 'p1',
    planName: 'first-wave',
    index: 0,
    source: { provider: { id: 'src', spec: provider }, vm },
    target: {
      providerId: 'dst',
      type: 'directory',
      name: 'out',
      settings: {
        path: root,
        diskFormat: format,
        networks: [{ name: 'pod', type: 'pod', nicKinds: ['ethernet'] }],
        storages: [{ name: 'default', accessModes: ['ReadWriteOnce'], volumeModes: ['Filesystem'] }],
      },
    },
    targetName: 'web',
    targetNamespace: 'default',
    folder: 'default/web',
    nics: vm.nics.map(({ id, mac }) => ({
      nicId: id,
      ...(mac === undefined ? {} : { mac }),
      network: { type: 'pod' },
    })),
    disks: vm.disks.map(({ id }, index) => ({
      diskId: id,
      name: `default/web/web-disk-${index}.${format}`,
      pvcName: `web-disk-${index}`,
      storageClass: 'default',
      accessMode: 'ReadWriteOnce',
      volumeMode: 'Filesystem',
      format,
    })),
    labels: {},
    powerState: 'auto',
    settings: VmSettings.parse(options.settings ?? {}),
    ...options.record,
  };
}

/** The job of a step's first attempt, of which nothing is known yet but the record. */
export const jobOf = (step: StepName, overrides: Partial<Job> = {}): Job => ({
  record: vmRecord(),
  step,
  attempt: 1,
  results: [],
  checkpoints: [],
  ledger: [],
  release: [],
  ...overrides,
});
