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
import type { DiskTools, SourceRequirements } from './requirements.js';
import type { SourceRole } from './role.js';

/** How the bytes of a disk are read. */
export type DiskAccess =
  /** The provider offers it over NBD already, on a Unix socket of this machine. */
  (
    | { readonly kind: 'nbd'; readonly socket: string; readonly exportName: string }
    /** An image that qemu opens where it lies. */
    | {
        readonly kind: 'image';
        readonly driver: 'raw' | 'vmdk' | 'qcow2' | 'vpc';
        readonly file: string;
        readonly within?: { readonly offset: number; readonly length: number };
        /** Inflating takes more than one core can give: several servers read it at once. */
        readonly compressed: boolean;
      }
    /** It cannot be read at an offset: it is written to a claimed temporary file first, then read there. */
    | {
        readonly kind: 'unpack';
        readonly driver: 'raw' | 'vmdk' | 'qcow2' | 'vpc';
        /** It holds nothing, and what is written is zeros. */
        readonly empty?: true;
        unpackTo(path: string, signal: AbortSignal): Promise<void>;
      }
    | NbdkitAccess
  ) & {
    /** Where there are several ways: which this is, and why. */
    readonly way?: DiskWay;
  };

/** A plugin of nbdkit reads it: the provider says which, whoever reads runs it and sees it end. */
export interface NbdkitAccess {
  readonly kind: 'nbdkit';
  /** Name, or path of its .so. */
  readonly plugin: string;
  readonly parameters: readonly (readonly [name: string, value: string])[];
  /** Parameters that must be seen by nobody. */
  readonly secrets: readonly (readonly [name: string, value: string])[];
  /** Content of files that the plugin is given the path of. */
  readonly files: readonly (readonly [name: string, content: string])[];
  /** Paths of this machine that it reads besides. */
  readonly reads: readonly string[];
  /** `host` where it reads the source through devices of this machine. */
  readonly devices?: 'host';
  /** So many servers at once, where one alone does one request after the other. */
  readonly servers: number;
  /** What keeps that alive which the plugin reads by. Called again and again while it is open; never throws. */
  readonly keepAlive?: { readonly everyMs: number; touch(): Promise<void> };
  /**
   * What its end, or a read that failed, means.
   *
   * @param log the end of what it said
   * @param ended how it ended; undefined while it runs
   */
  explain(log: string, ended: string | undefined, signal: AbortSignal): Promise<Error>;
}

export interface DiskReader {
  readonly tools: DiskTools;
  readonly signal: AbortSignal;
}

/** What every wait for the source honours: both end it, the limit with a coded error. */
export interface Patience {
  readonly signal: AbortSignal;
  readonly timeLimitMs: number;
}

export type PoweredOff = Omit<Extract<StepResult, { step: 'SourcePowerOff' }>, 'step'>;

/** Who is told what a source holds. */
export interface InventoryWatcher {
  changed(inventory: Inventory): void;
  /** From now on what was told last may be old; until the next `changed`. */
  broken(error: unknown): void;
}

/** A kind of source. A new one is a folder beside this file and a line in the registry. */
export interface SourceProvider {
  readonly type: ProviderSpec['type'];
  readonly migrationTypes: readonly MigrationType[];
  /** Whether its guests lack the drivers that KubeVirt needs. */
  readonly conversion: 'needed' | 'not-needed';
  /** Conditions that only this kind of source raises; `docs/reference/conditions.md` is made from them, too. */
  readonly conditionTypes?: ConditionCatalogue;
  /** What stands against a plan because of its source. It judges what was gathered, and does no I/O. */
  planConditions?(facts: SourcePlanFacts): readonly Condition[];
  /** What the concerns that it raises mean for plans, by their ids; those that are not here matter to every plan. */
  readonly concerns?: Readonly<Record<string, ConcernMeaning>>;
  /** Which of its condition types is raised for what could not be read; `SourceObjectNotReadable` unless it says. */
  readonly unreadable?: string;
  /** Its disks can be looked at any time: `diskAccess` makes nothing at the source for it, such as a snapshot. */
  readonly atRest?: true;
  /** What a machine must have to read its disks. */
  readonly requirements?: SourceRequirements;
  /** For whoever gives it a user. */
  readonly role?: SourceRole;
  /**
   * What hinders to reach the source, nothing where it can be read; of category Warn: what would hinder some plans, which
   * `planConditions` then says of those.
   */
  check(spec: ProviderSpec): Promise<readonly InventoryProblem[]>;
  /** Where it is reached: host names and addresses, for targets in whose networks they mean something else. Pure. */
  hosts?(spec: ProviderSpec): readonly string[];
  /** @throws where nothing can be read at all; what can be read in part is told in `problems` */
  inventory(spec: ProviderSpec): Promise<Inventory>;
  /**
   * Tells what the source holds, first all of it and then after each change, until the signal ends it. After a break it
   * joins again by itself.
   *
   * @throws what an operator must mend
   */
  watch?(spec: ProviderSpec, watcher: InventoryWatcher, signal: AbortSignal): Promise<void>;
  /** Reads the files of a VM once and compares them with their manifest. */
  verifyDigests(spec: ProviderSpec, vm: SourceVm): Promise<readonly InventoryProblem[]>;
  /** The VM as it is now; undefined when it is gone. */
  currentVm(spec: ProviderSpec, vmId: string): Promise<SourceVm | undefined>;
  powerState(spec: ProviderSpec, vm: SourceVm): Promise<PowerState>;
  /**
   * Sees the VM off: asks its guest first, and does what the settings say when that takes too long. A VM that is off
   * already is left as it is.
   * @returns the moment of the source that its disks now stand for: another one each time it has run
   * @throws a permanent or needs-operator error where the guest is still up and the settings say `fail` or `wait`
   */
  powerOff(
    spec: ProviderSpec,
    vm: SourceVm,
    shutdown: ShutdownSettings,
    signal: AbortSignal,
  ): Promise<PoweredOff>;
  /** The moment that the disks of a VM stand for which is off; undefined while it runs. */
  currentMoment(spec: ProviderSpec, vm: SourceVm): Promise<string | undefined>;
  /** Does nothing where the VM runs already, or has no power to switch. @returns the state it then has */
  powerOn(spec: ProviderSpec, vm: SourceVm, patience: Patience): Promise<PowerState>;
  /**
   * @param snapshot undefined: the VM is off, and is read as it is
   * @param reader what reads, where that decides how
   */
  diskAccess(
    spec: ProviderSpec,
    vm: SourceVm,
    disk: SourceDisk,
    snapshot?: Snapshot,
    reader?: DiskReader,
  ): Promise<DiskAccess> | DiskAccess;
  /** Only where a VM can be read while it runs. */
  readonly snapshots?: SourceSnapshots;
  /**
   * Sees that the source cannot come back beside its target.
   *
   * @param beforeTag awaited before the VM is given a tag that it does not bear, so that whoever undoes it knows whose it is
   * @returns what was done, in words; what was so is skipped
   */
  retire?(
    spec: ProviderSpec,
    vm: SourceVm,
    what: RetireSourceSettings,
    patience: Patience,
    beforeTag?: () => Promise<void>,
  ): Promise<readonly string[]>;
  /** Ids of the NICs that are connected, or will be when the VM is powered on. For `restore` later. */
  connectedNics?(spec: ProviderSpec, vm: SourceVm): Promise<readonly string[]>;
  /** Undoes what `retire` did. @returns what was done, in words; what was so is skipped */
  restore?(
    spec: ProviderSpec,
    vm: SourceVm,
    what: RetireSourceSettings,
    before: BeforeRetirement,
    patience: Patience,
  ): Promise<readonly string[]>;
  /** Ends what is kept open towards sources, such as sessions. For the end of a process. */
  close?(): Promise<void>;
}

/** How a source was before it was retired. */
export interface BeforeRetirement {
  /** Ids of the NICs that were connected; `all`: it is not known which, only that some were disconnected. */
  readonly connectedNics: readonly string[] | 'all';
  /** Whether the tag was given by the retirement, and so is taken away again. */
  readonly tag: 'ours' | 'there-before';
}

export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

export interface SnapshotOptions {
  /** Asks the guest to bring its file systems to rest first, where the source can. */
  readonly quiesce?: boolean;
  /** Turns the tracking of changes on where it is off. */
  readonly enableChangeTracking?: boolean;
}

/** Points in time of a VM that runs, and what changed between them. */
export interface SourceSnapshots {
  /** Whether `create` can turn the tracking of changes on (`enableChangeTracking`). */
  readonly enablesTracking?: true;
  /**
   * Makes a snapshot over all disks, or finds the one of that name, and waits until it is there. Its change ids come
   * from the snapshot's own configuration.
   */
  create(
    spec: ProviderSpec,
    vm: SourceVm,
    name: string,
    patience: Patience,
    options?: SnapshotOptions,
  ): Promise<Snapshot>;
  /** Removes it and waits until it is gone. */
  remove(spec: ProviderSpec, vm: SourceVm, name: string, patience: Patience): Promise<'removed' | 'absent'>;
  /** Names of the VM's snapshots. */
  list(spec: ProviderSpec, vm: SourceVm): Promise<readonly string[]>;
  /**
   * What changed on a disk between a change id and a snapshot; in order, without overlaps.
   * @returns undefined where the source cannot say any more (the id is of another epoch): then all must be compared
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
