import type {
  Condition,
  ConditionCatalogue,
  DiskWay,
  Inventory,
  InventoryProblem,
  MigrationType,
  PowerState,
  ProviderSpec,
  RetireSourceSettings,
  ShutdownSettings,
  Snapshot,
  SourceDisk,
  SourceVm,
  StepResult,
} from '@ledgerlift/contracts';
import type { ConcernMeaning, SourcePlanFacts } from './plan-facts.js';
import type { DiskTools, SourceRequirements, SourceRole } from './requirements.js';

/** How the bytes of a disk are read. */
export type DiskAccess =
  /** The provider already serves it over NBD, on a local Unix socket. */
  (
    | { readonly kind: 'nbd'; readonly socket: string; readonly exportName: string }
    /** An image file that qemu opens in place. */
    | {
        readonly kind: 'image';
        readonly driver: 'raw' | 'vmdk' | 'qcow2' | 'vpc';
        readonly file: string;
        readonly within?: { readonly offset: number; readonly length: number };
        /** Inflating needs more than one core, so several servers read it in parallel. */
        readonly compressed: boolean;
      }
    /** It has no random access, so it is first unpacked to a claimed temporary file. */
    | {
        readonly kind: 'unpack';
        readonly driver: 'raw' | 'vmdk' | 'qcow2' | 'vpc';
        /** The disk is empty, so the unpacked file holds only zeros. */
        readonly empty?: true;
        unpackTo(path: string, signal: AbortSignal): Promise<void>;
      }
    | NbdkitAccess
  ) & {
    /** Which way was chosen and why, for sources that offer several. */
    readonly way?: DiskWay;
  };

/** Reads a disk through an nbdkit plugin. The provider chooses the plugin; the reader starts it and ends it. */
export interface NbdkitAccess {
  readonly kind: 'nbdkit';
  /** Name of the plugin, or path of its .so. */
  readonly plugin: string;
  readonly parameters: readonly (readonly [name: string, value: string])[];
  /** Parameters that must not show in process lists or logs. */
  readonly secrets: readonly (readonly [name: string, value: string])[];
  /** Parameters whose values are file contents: the plugin gets the path of a file with that content. */
  readonly files: readonly (readonly [name: string, content: string])[];
  /** Other local paths that it reads. */
  readonly reads: readonly string[];
  /** `host` if it reads the source through devices of this machine. */
  readonly devices?: 'host';
  /** Number of servers to run in parallel, more than 1 if one server handles requests one at a time. */
  readonly servers: number;
  /** Keeps the plugin's source session alive: `touch` is called at this interval while the disk is open, and never throws. */
  readonly keepAlive?: { readonly everyMs: number; touch(): Promise<void> };
  /**
   * Turns the plugin's exit or a failed read into an error.
   *
   * @param log the end of its log
   * @param ended how it exited; undefined while it runs
   */
  explain(log: string, ended: string | undefined, signal: AbortSignal): Promise<Error>;
}

export interface DiskReader {
  readonly tools: DiskTools;
  readonly signal: AbortSignal;
}

/** Limits a wait for the source. The signal ends it with its reason, the time limit with a coded error. */
export interface Patience {
  readonly signal: AbortSignal;
  readonly timeLimitMs: number;
}

export type PoweredOff = Omit<Extract<StepResult, { step: 'SourcePowerOff' }>, 'step'>;

/** Receives a source's inventory and its changes. */
export interface InventoryWatcher {
  changed(inventory: Inventory): void;
  /** The last inventory may be stale until the next `changed`. */
  broken(error: unknown): void;
}

/** A kind of source. To add one, create a folder beside this file and add a line to the registry. */
export interface SourceProvider {
  readonly type: ProviderSpec['type'];
  readonly migrationTypes: readonly MigrationType[];
  /** Whether its guests lack the drivers that KubeVirt needs. */
  readonly conversion: 'needed' | 'not-needed';
  /** Conditions that only this kind of source raises. Also listed in `docs/reference/conditions.md`. */
  readonly conditionTypes?: ConditionCatalogue;
  /** Returns the conditions that the source raises on a plan. Uses only the gathered facts and does no I/O. */
  planConditions?(facts: SourcePlanFacts): readonly Condition[];
  /** Concern id → its meaning for plans. A concern that is not listed applies to every plan. */
  readonly concerns?: Readonly<Record<string, ConcernMeaning>>;
  /** Condition type for objects that could not be read; `SourceObjectNotReadable` by default. */
  readonly unreadable?: string;
  /** Its disks can be read at any time: `diskAccess` creates nothing at the source for that, such as a snapshot. */
  readonly atRest?: true;
  /** What a machine needs to read its disks. */
  readonly requirements?: SourceRequirements;
  /** For the administrator who creates its account. */
  readonly role?: SourceRole;
  /**
   * Finds problems that prevent reading the source; empty if there are none. A problem of category Warn blocks only some
   * plans; `planConditions` raises it on those.
   */
  check(spec: ProviderSpec): Promise<readonly InventoryProblem[]>;
  /** Lists the source's host names and addresses, which may mean something else in a target's network. Pure. */
  hosts?(spec: ProviderSpec): readonly string[];
  /** Reads the inventory; lists parts that could not be read in `problems`. @throws if nothing can be read */
  inventory(spec: ProviderSpec): Promise<Inventory>;
  /**
   * Reports the whole inventory at first and after each change until the signal aborts. Reconnects by itself.
   *
   * @throws an error that an operator must fix
   */
  watch?(spec: ProviderSpec, watcher: InventoryWatcher, signal: AbortSignal): Promise<void>;
  /** Reads the files of a VM once and compares them with their manifest. */
  verifyDigests(spec: ProviderSpec, vm: SourceVm): Promise<readonly InventoryProblem[]>;
  /** Reads the VM's current state; undefined if it is gone. */
  currentVm(spec: ProviderSpec, vmId: string): Promise<SourceVm | undefined>;
  powerState(spec: ProviderSpec, vm: SourceVm): Promise<PowerState>;
  /**
   * Shuts the VM down: asks its guest first and, if that takes too long, does what the settings say. Leaves a VM alone that is
   * already off.
   * @returns the moment that its disks now represent; it changes each time the VM has run
   * @throws a permanent or needs-operator error if the guest is still up and the settings say `fail` or `wait`
   */
  powerOff(
    spec: ProviderSpec,
    vm: SourceVm,
    shutdown: ShutdownSettings,
    signal: AbortSignal,
  ): Promise<PoweredOff>;
  /** Returns the moment that the disks represent; undefined while the VM runs. */
  currentMoment(spec: ProviderSpec, vm: SourceVm): Promise<string | undefined>;
  /** Does nothing if the VM already runs or has no power state. @returns the resulting state */
  powerOn(spec: ProviderSpec, vm: SourceVm, patience: Patience): Promise<PowerState>;
  /**
   * Says how to read a disk.
   *
   * @param snapshot undefined if the VM is off, so that its disks can be read directly
   * @param reader the reading machine's tools, for sources where they decide the way
   */
  diskAccess(
    spec: ProviderSpec,
    vm: SourceVm,
    disk: SourceDisk,
    snapshot?: Snapshot,
    reader?: DiskReader,
  ): Promise<DiskAccess> | DiskAccess;
  /** Only for sources whose VMs can be read while they run. */
  readonly snapshots?: SourceSnapshots;
  /**
   * Makes sure that the source VM cannot come back while its target runs.
   *
   * @param beforeTag awaited before a new tag is attached to the VM, so that `restore` removes only tags of ours
   * @returns the actions taken, for messages; actions that were not needed are skipped
   */
  retire?(
    spec: ProviderSpec,
    vm: SourceVm,
    what: RetireSourceSettings,
    patience: Patience,
    beforeTag?: () => Promise<void>,
  ): Promise<readonly string[]>;
  /** Lists the ids of NICs that are connected, or will be at power-on. Recorded for `restore`. */
  connectedNics?(spec: ProviderSpec, vm: SourceVm): Promise<readonly string[]>;
  /** Undoes `retire`. @returns the actions taken, for messages; actions that were not needed are skipped */
  restore?(
    spec: ProviderSpec,
    vm: SourceVm,
    what: RetireSourceSettings,
    before: BeforeRetirement,
    patience: Patience,
  ): Promise<readonly string[]>;
  /** Closes sessions with sources. Called when the process ends. */
  close?(): Promise<void>;
}

/** The source VM's state before it was retired. */
export interface BeforeRetirement {
  /** Ids of the NICs that were connected; `all` if retirement disconnected some but did not record which. */
  readonly connectedNics: readonly string[] | 'all';
  /** Whether retirement attached the tag, so that `restore` detaches it. */
  readonly tag: 'ours' | 'there-before';
}

export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

export interface SnapshotOptions {
  /** Asks the guest to quiesce its file systems first, if the source supports it. */
  readonly quiesce?: boolean;
  /** Turns change tracking on if it is off. */
  readonly enableChangeTracking?: boolean;
}

/** Snapshots of a running VM, and the changes between them. */
export interface SourceSnapshots {
  /** Whether `create` can turn change tracking on (`enableChangeTracking`). */
  readonly enablesTracking?: true;
  /**
   * Creates a snapshot of all disks, or finds the one of that name, and waits until it exists. Takes the change ids from
   * the snapshot's own configuration.
   */
  create(
    spec: ProviderSpec,
    vm: SourceVm,
    name: string,
    patience: Patience,
    options?: SnapshotOptions,
  ): Promise<Snapshot>;
  /** Removes a snapshot and waits until it is gone. */
  remove(spec: ProviderSpec, vm: SourceVm, name: string, patience: Patience): Promise<'removed' | 'absent'>;
  /** Lists the names of the VM's snapshots. */
  list(spec: ProviderSpec, vm: SourceVm): Promise<readonly string[]>;
  /**
   * Lists the ranges of a disk that changed between a change id and a snapshot, in order and without overlaps.
   * @returns undefined if the id is from another epoch, so that the source cannot tell: then compare the whole disk
   */
  changes(
    spec: ProviderSpec,
    vm: SourceVm,
    disk: SourceDisk,
    snapshot: Snapshot,
    sinceChangeId: string,
    signal: AbortSignal,
  ): Promise<readonly ByteRange[] | undefined>;
}

/** Most disks of a VM: a q35 machine has 31 slots on its root bus, and KubeVirt's own devices leave about this many. */
export const MOST_DISKS = 23;
