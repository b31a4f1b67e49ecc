import type {
  BroughtDisks,
  InventoryProblem,
  MachineSettings,
  MappingSpec,
  PlanSpec,
  SecretRef,
  SourceVm,
  TargetRecord,
  VmRecord,
} from '@ledgerlift/contracts';

export type TargetType = TargetRecord['type'];
export type TargetSettings = TargetRecord['settings'];
/** A target as its provider describes it, now or when it was recorded. */
export interface TargetAt<Settings extends TargetSettings = TargetSettings> {
  readonly settings: Settings;
  /** Its kind decides which keys of it it reads. */
  readonly secret?: SecretRef | undefined;
}
export type NetworkPair = Extract<MappingSpec, { kind: 'network' }>['pairs'][number];
export type StoragePair = Extract<MappingSpec, { kind: 'storage' }>['pairs'][number];

/** What a target must know of a plan to judge it, and to give its VMs their places. */
export interface PlanAtTarget {
  readonly spec: Pick<
    PlanSpec,
    'type' | 'skipGuestConversion' | 'useCompatibilityMode' | 'maxConcurrentMigrations' | 'targetNamespace'
  >;
  /** Name of the target's provider, for messages. */
  readonly targetName: string;
  /** Where the source is reached: host names and addresses. */
  readonly sourceHosts: readonly string[];
  readonly vms: readonly VmAtTarget[];
  readonly networks: readonly NetworkPair[];
  readonly storages: readonly StoragePair[];
}

/** A VM of a plan, and how it would be at the target. */
export interface VmAtTarget {
  readonly vm: SourceVm;
  readonly planName: string;
  readonly targetName: string;
  readonly targetNamespace: string;
  /** Its disks are at the target already. */
  readonly isCopied: boolean;
  /** They are converted, too, where they are to be. */
  readonly isConverted: boolean;
  /** It is to run at the target, once it is there. */
  readonly startsAtTarget: boolean;
  /** What is at the target under its name is its own. */
  readonly isRetried: boolean;
  /** Where the plan says that another tool brought its disks. */
  readonly brought: BroughtDisks | undefined;
  /** What the plan says of it besides. */
  readonly machine: MachineSettings;
  /** The pair of each NIC, in the VM's order; undefined: its network is not mapped. */
  readonly networkOf: readonly (NetworkPair | undefined)[];
  /** The pair of each disk, in the VM's order; undefined: its storage is not mapped. */
  readonly storageOf: readonly (StoragePair | undefined)[];
}

/** Who has a disk already. */
export interface DiskUser {
  /** In words, without a full stop. */
  readonly what: string;
  /** A migration from which a plan may take the disk by naming it; undefined: nobody may. */
  readonly givesUp: string | undefined;
}

/** What the log knows of a target's use, though nothing may be seen there yet. */
export interface TargetUse {
  /** By `namespace/name`: which migration is making it. */
  readonly places: ReadonlyMap<string, string>;
  /** By name of the disk: which migration has adopted it. */
  readonly disks: ReadonlyMap<string, DiskUser>;
}

/** A disk of a VM that another tool brought to the target. */
export interface BroughtDisk {
  readonly diskId: string;
  /** As the target calls it. */
  readonly name: string;
  readonly format: 'raw' | 'qcow2';
}

export interface BroughtProblem {
  readonly reason: 'NotFound' | 'Ambiguous' | 'OtherSize' | 'NotUsable' | 'InUse';
  /** Without a full stop. */
  readonly message: string;
}

/** What was found of one VM; `disks` is whole, and in the VM's order, where there are no problems. */
export interface BroughtVm {
  readonly disks: readonly BroughtDisk[];
  readonly problems: readonly BroughtProblem[];
}

/** What was seen at a target for a plan. Whoever asked only hands it back; a kind of target may see more. */
export interface TargetView {
  /** Undefined: not known, or without limit. */
  readonly freeBytes: number | undefined;
  /** By `namespace/name`: who has it. */
  readonly taken: ReadonlyMap<string, string>;
  /** By id of the source VM: the disks that are there already, where the plan is for conversion only. */
  readonly brought: ReadonlyMap<string, BroughtVm>;
}

export interface Looked<View extends TargetView> {
  /** What hinders to use the target at all. */
  readonly problems: readonly InventoryProblem[];
  readonly view: View;
}

/** The place of a VM at the target, as it is recorded. */
export type Placement = Pick<VmRecord, 'folder' | 'nics' | 'disks'>;
