/** A user of the simulator; may log in as `name` or `name@domain`. */
export interface VsphereUser {
  readonly password: string;
  /**
   * Patterns of SOAP method names (and `GET /folder`, `VDDK`) that are answered with NoPermission, with the privilege
   * that the method needs.
   */
  readonly deny?: readonly string[];
  /** Of the user's role, on everything. By default an administrator's. */
  readonly privileges?: readonly string[];
  /** Why a right password is no help. Of a locked account a login says no more than InvalidLogin; the token service does. */
  readonly state?: 'locked' | 'no-access' | 'password-expired';
}

export interface VsphereDiskSpec {
  /** Not used with `file`. */
  readonly capacityBytes?: number;
  /** A raw file that is copied. */
  readonly file?: string;
  /** The part of the disk that has bytes of chance at the beginning, 0 to 1; by default 0.25 without a file. */
  readonly fill?: number;
  readonly mode?:
    'persistent' | 'independent_persistent' | 'independent_nonpersistent' | 'undoable' | 'append';
  readonly controller?: 'pvscsi' | 'lsilogic' | 'lsilogic-sas' | 'nvme' | 'sata' | 'ide';
}

/** What the guest tells by VMware Tools while it is on. */
export interface VsphereTools {
  readonly status?: 'running' | 'not-running' | 'not-installed';
  readonly ip?: string;
  readonly hostName?: string;
}

/** Writes blocks of chance to the disks while the VM is on. */
export interface VsphereWriter {
  readonly roundsPerSecond: number;
  readonly seed?: number;
  /** Of one write; by default 64 KiB. */
  readonly maxBytes?: number;
}

export interface VsphereVmSpec {
  readonly name: string;
  /** By default one of 16 MiB. */
  readonly disks?: readonly VsphereDiskSpec[];
  /** By default it is on. */
  readonly off?: boolean;
  readonly memoryMb?: number;
  readonly cpus?: number;
  readonly guestId?: string;
  readonly firmware?: 'bios' | 'efi';
  readonly secureBoot?: boolean;
  /** Of the firmware. */
  readonly uuid?: string;
  /** By which vCenter tells apart VMs whose firmware has the same one. */
  readonly instanceUuid?: string;
  /** Names; by default `VM Network`. There is also `DC0_DVPG0`. */
  readonly networks?: readonly string[];
  readonly annotation?: string;
  readonly extraConfig?: Readonly<Record<string, string>>;
  readonly changeTracking?: boolean;
  readonly tools?: VsphereTools;
  readonly ignoreShutdown?: boolean;
  /** How long the guest takes to shut down. */
  readonly shutdownMs?: number;
  readonly writer?: VsphereWriter;
  /** Runs QEMU with the VM's disks while it is on. With a login on the serial console it can be told something. */
  readonly guest?: { readonly memoryMb?: number; readonly user?: string; readonly password?: string };
}

/** A value as vim's own JSON: `_typeName` says which type it is, and `_value` holds what is no object. */
export interface VimJson {
  readonly _typeName: string;
  readonly [field: string]: unknown;
}

export interface VsphereChange {
  /** By default the VM. */
  readonly of?: 'vm' | 'host' | 'cluster';
  /** By path, as `config.keyId`. */
  readonly properties?: Readonly<Record<string, VimJson>>;
  /** Added to those that the VM has. */
  readonly devices?: readonly VimJson[];
}

/** A rule for the next calls that match. */
export interface VsphereFault {
  /** A pattern of SOAP method names; `GET /nfc`, `GET /folder` and `VDDK` stand for the ways to the
   * bytes, `POST /rest` for tags. */
  readonly method: string;
  /** A VM's name or a managed object id (of `GET /folder` the file's name); by default any. */
  readonly object?: string;
  /**
   * How it is answered. `task-error`: by a task that ends with the fault. `slow-task`: by one that runs for `ms` before
   * its effect, and meanwhile the VM is busy. `http`: with `status`.
   */
  readonly as?: 'fault' | 'task-error' | 'slow-task' | 'cut' | 'delay' | 'http';
  /** Name of a vim fault type, as `TaskInProgress`. */
  readonly fault?: string;
  /** The fault's fields. */
  readonly detail?: Readonly<Record<string, unknown>>;
  /** The effect takes place before the answer is spoiled. */
  readonly after?: boolean;
  /** By default 1. */
  readonly times?: number;
  /** So many calls pass first. */
  readonly skip?: number;
  readonly ms?: number;
  /** Where in a download, or in what VDDK reads, the connection is cut. */
  readonly afterBytes?: number;
  readonly status?: number;
}

export interface VsphereDisk {
  readonly key: number;
  /** As vSphere names it: `[datastore] folder/disk1.vmdk`. */
  readonly file: string;
  readonly capacityBytes: number;
  /** The raw bytes of the disk as the VM has them now, on this machine. */
  readonly hostFile: string;
  readonly changeId?: string;
}

export interface VsphereSnapshot {
  readonly moref: string;
  readonly name: string;
  /** As they were: `hostFile` does not change any more. */
  readonly disks: readonly VsphereDisk[];
}

export interface VsphereVm {
  readonly moref: string;
  readonly name: string;
  readonly power: 'poweredOn' | 'poweredOff' | 'suspended';
  readonly host: string;
  readonly disks: readonly VsphereDisk[];
  readonly snapshots: readonly VsphereSnapshot[];
}

/** An effect that took place. */
export interface VsphereEffect {
  readonly at: string;
  readonly effect:
    | 'snapshot-created'
    | 'snapshot-removed'
    | 'power-on'
    | 'power-off'
    | 'shutdown-asked'
    | 'renamed'
    | 'deleted'
    | 'host-changed'
    | 'storage-moved'
    | 'disk-added'
    | 'disk-removed'
    | 'disk-grown'
    | 'disk-opened'
    | 'cbt-reset'
    | 'methods-disabled'
    | 'methods-enabled'
    | 'lease-opened'
    | 'lease-completed'
    | 'lease-aborted'
    | 'lease-timed-out'
    | 'fault';
  /** Managed object id of the VM. */
  readonly vm?: string;
  readonly name?: string;
  /** Of the snapshot or lease; of methods who disabled them. */
  readonly ref?: string;
}
