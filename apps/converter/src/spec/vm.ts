import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { type SourceDisk, type VmRecord, VmSettings } from '@ledgerlift/contracts';
import { ensureDisk, layoutFor, openVmFolder } from '@ledgerlift/targets';

const MiB = 2 ** 20;

export interface VmOptions {
  readonly root: string;
  readonly disks?: number;
  readonly size?: number;
  readonly format?: 'raw' | 'qcow2';
  readonly settings?: Partial<VmRecord['settings']>;
}

/** A VM bound for a directory, as it is recorded. */
export function vmOf({
  root,
  disks = 2,
  size = 4 * MiB,
  format = 'qcow2',
  settings = {},
}: VmOptions): VmRecord {
  const layout = layoutFor({ namespace: 'default', targetName: 'web', disks, format });
  const sourceDisk = (_: unknown, index: number): SourceDisk => ({
    id: `disk-${index}`,
    name: `web-disk${index + 1}.vmdk`,
    capacityBytes: size,
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
  });
  return {
    installation: 'spec',
    migrationId: 'm1',
    planId: 'p1',
    planName: 'wave',
    index: 0,
    source: {
      provider: {
        id: 'src',
        spec: { name: 'files', type: 'ova', sites: ['local'], settings: { path: '/ovas' } },
      },
      vm: {
        id: 'vm-1',
        name: 'Web',
        path: '/ovas/web.ova',
        powerState: 'off',
        cpu: { count: 1, coresPerSocket: 1, affinity: [], hotAdd: false },
        memory: { bytes: 1024 * MiB, hotAdd: false },
        firmware: 'bios',
        secureBoot: false,
        tpm: false,
        os: { id: 'debian12_64Guest', description: 'Debian', family: 'linux' },
        disks: Array.from({ length: disks }, sourceDisk),
        nics: [{ id: 'nic-0', name: 'Network 1', network: 'VM Network', model: 'vmxnet3', kind: 'ethernet' }],
        exportedBy: 'VMware',
        fingerprint: 'f1',
        concerns: [],
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
    folder: layout.folder,
    nics: [{ nicId: 'nic-0', network: { type: 'pod' } }],
    disks: layout.disks.map((disk, index) => ({
      diskId: `disk-${index}`,
      name: disk.disk,
      pvcName: disk.pvcName,
      storageClass: 'default',
      accessMode: 'ReadWriteOnce',
      volumeMode: 'Filesystem',
      format,
    })),
    labels: {},
    powerState: 'auto',
    settings: VmSettings.parse(settings),
  };
}

/** Makes the VM's folder and its disks, each filled with a pattern of its own: 0x10, 0x11, … */
export async function placeDisks(record: VmRecord, size = 4 * MiB): Promise<void> {
  await openVmFolder(record);
  for (const [index, disk] of record.disks.entries()) {
    const path = join(record.target.settings.path, disk.name);
    await ensureDisk({ path, format: disk.format, size });
    qemuIo(path, disk.format, `write -P ${0x10 + index} 0 ${size}`);
  }
}

/** Runs one of qemu-io's commands; throws when it fails, such as a read of a pattern that is not there. */
export function qemuIo(path: string, format: 'raw' | 'qcow2', command: string): void {
  // qemu-io ends with 0 even where a pattern did not match in old versions: its output tells.
  const text = execFileSync('qemu-io', ['-f', format, '-c', command, path], { encoding: 'utf8' });
  if (/failed|error/i.test(text)) throw new Error(text);
}
