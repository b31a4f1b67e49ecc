import type { VsphereDiskSpec, VsphereUser, VsphereVmSpec } from './wire.js';

export interface StartOptions {
  /** VMs, or how many of them; by default two. Those that are only counted are named `vm0`, `vm1`, … */
  readonly vms?: number | readonly VsphereVmSpec[];
  /** Raw files to be the first disks of VMs, by the VM's name. */
  readonly disks?: Readonly<Record<string, string>>;
  /** By name, beside the administrator. */
  readonly users?: Readonly<Record<string, VsphereUser>>;
  /** How many areas QueryChangedDiskAreas answers at most at a time; by default all. */
  readonly maxAreas?: number;
  /** By default 8.0.2.0. */
  readonly apiVersion?: string;
  /** One ESXi host without vCenter. */
  readonly esxi?: boolean;
  readonly seed?: number;
  readonly certificate?: {
    readonly expired?: boolean;
    readonly notYet?: boolean;
    readonly wrongName?: boolean;
    readonly kind?: 'ca' | 'self-signed';
  };
  /** How long an NFC lease lives without progress; by default 300. */
  readonly leaseSeconds?: number;
  /** By default a free one. Kept over restarts. */
  readonly port?: number;
}

// vCenter's default name for its first user, and a password with what XML and shells trip over.
const admin = { user: 'administrator@vsphere.local', password: 'Se<cret&"1\'' } as const;
const MEBIBYTE = 1024 * 1024;
/** Beyond so many VMs, disks that are only counted hold nothing: writing them would take longer than the rest. */
const MANY = 50;

/** The simulator's configuration file. */
export function configuration(options: StartOptions, port: number, controlPort: number, folder: string) {
  const { vms = 2, disks = {}, users = {}, seed = 1 } = options;
  const counted = (n: number): readonly VsphereVmSpec[] =>
    Array.from({ length: n }, (_, i) => ({
      name: `vm${i}`,
      ...(n > MANY ? { disks: [{ capacityBytes: 16 * MEBIBYTE, fill: 0 }] } : {}),
    }));
  const specs = typeof vms === 'number' ? counted(vms) : vms;
  const name = admin.user.slice(0, admin.user.indexOf('@'));
  const config = {
    listen: `127.0.0.1:${port}`,
    control: `127.0.0.1:${controlPort}`,
    folder,
    users: { [name]: { password: admin.password }, ...users },
    vms: specs.map((spec) => ({ ...spec, disks: disksOf(spec, disks[spec.name]) })),
    maxAreas: options.maxAreas ?? 0,
    apiVersion: options.apiVersion ?? '8.0.2.0',
    esxi: options.esxi ?? false,
    seed,
    certificate: options.certificate ?? {},
    leaseSeconds: options.leaseSeconds ?? 0,
    qemu: 'qemu-system-x86_64',
  };
  return { config, admin };
}

function disksOf(spec: VsphereVmSpec, file: string | undefined): readonly VsphereDiskSpec[] {
  const given = spec.disks ?? [{ capacityBytes: 16 * MEBIBYTE }];
  const all = file === undefined ? given : [{ file }, ...given.slice(1)];
  return all.map((disk) => (disk.file === undefined ? { fill: 0.25, ...disk } : disk));
}
