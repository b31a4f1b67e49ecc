import { type SourceDisk, type VmRecord, VmSettings } from '@ledgerlift/contracts';

export interface RecordOptions {
  readonly root?: string;
  readonly disks?: number;
  readonly format?: 'raw' | 'qcow2';
  readonly compression?: 'none' | 'gzip';
  readonly vm?: Partial<VmRecord['source']['vm']>;
  readonly settings?: Partial<VmRecord['settings']>;
  readonly record?: Partial<VmRecord>;
}

const GiB = 2 ** 30;

/** A VM as it is recorded at the start: an OVA, one disk or more, bound for a directory. */
export function vmRecord(options: RecordOptions = {}): VmRecord {
  const { disks = 1, format = 'raw', compression = 'none', root = '/out' } = options;
  const indices = Array.from({ length: disks }, (_, index) => index);
  const sourceDisks = indices.map((index): SourceDisk => ({
    id: `disk-${index}`,
    name: `web-disk${index + 1}.vmdk`,
    capacityBytes: GiB * (index + 1),
    storage: 'ova',
    bus: 'scsi',
    controller: 0,
    unit: index,
    shared: false,
    backing: {
      kind: 'ova',
      format: 'vmdk',
      parts: [{ file: 'web.ova', offset: 0, length: 1 }],
      compression,
    },
  }));
  return {
    installation: 'lab',
    migrationId: 'm1',
    planId: 'p1',
    planName: 'first-wave',
    index: 0,
    source: {
      provider: {
        id: 'src',
        spec: { name: 'files', type: 'ova', sites: ['local', 'edge'], settings: { path: '/ovas' } },
      },
      vm: {
        id: 'vm-1',
        name: 'Web Server',
        path: '/ovas/web.ova',
        powerState: 'off',
        cpu: { count: 4, coresPerSocket: 2, affinity: [], hotAdd: false },
        memory: { bytes: GiB, hotAdd: false },
        firmware: 'bios',
        secureBoot: false,
        tpm: false,
        os: { id: 'debian12_64Guest', description: 'Debian', family: 'linux' },
        disks: sourceDisks,
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
        ...options.vm,
      },
    },
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
    nics: [{ nicId: 'nic-0', mac: '00:50:56:aa:bb:cc', network: { type: 'pod' } }],
    disks: indices.map((index) => ({
      diskId: `disk-${index}`,
      name: `default/web/web-disk-${index}.${format}`,
      pvcName: `web-disk-${index}`,
      storageClass: 'default',
      accessMode: 'ReadWriteOnce',
      volumeMode: 'Filesystem',
      format,
    })),
    labels: {},
    powerState: 'auto',
    settings: { ...VmSettings.parse({}), ...options.settings },
    ...options.record,
  };
}
