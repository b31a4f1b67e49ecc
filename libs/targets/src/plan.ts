import type {
  AdoptedDisks,
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
/** A target's settings and secret, either current or as recorded with a VM. */
export interface TargetAt<Settings extends TargetSettings = TargetSettings> {
  readonly settings: Settings;
  /** Each kind of target decides which keys it reads. */
  readonly secret?: SecretRef | undefined;
}
export type NetworkPair = Extract<MappingSpec, { kind: 'network' }>['pairs'][number];
export type StoragePair = Extract<MappingSpec, { kind: 'storage' }>['pairs'][number];

/** The facts about a plan that a target needs to check it and to place its VMs. */
export interface PlanAtTarget {
  readonly spec: Pick<
    PlanSpec,
    | 'type'
    | 'skipGuestConversion'
    | 'bootProof'
    | 'useCompatibilityMode'
    | 'maxConcurrentMigrations'
    | 'targetNamespace'
  >;
  /** Name of the target's provider, for messages. */
  readonly targetName: string;
  /** Host names and addresses of the source. */
  readonly sourceHosts: readonly string[];
  readonly vms: readonly VmAtTarget[];
  readonly networks: readonly NetworkPair[];
  readonly storages: readonly StoragePair[];
}

/** A VM of a plan, with its intended state at the target. */
export interface VmAtTarget {
  readonly vm: SourceVm;
  readonly planName: string;
  readonly targetName: string;
  readonly targetNamespace: string;
  /** Its disks are already at the target. */
  readonly isCopied: boolean;
  /** Its disks are also converted, if they need to be. */
  readonly isConverted: boolean;
  /** The migration starts it at the target. */
  readonly startsAtTarget: boolean;
  /** Objects under its name at the target are its own, from an earlier run. */
  readonly isRetried: boolean;
  /** Set if the plan says that another tool brought its disks. */
  readonly adopted: AdoptedDisks | undefined;
  /** The plan's other settings for this VM. */
  readonly machine: MachineSettings;
  /** The mapping of each NIC's network, in the VM's order; undefined if unmapped. */
  readonly networkOf: readonly (NetworkPair | undefined)[];
  /** The mapping of each disk's storage, in the VM's order; undefined if unmapped. */
  readonly storageOf: readonly (StoragePair | undefined)[];
}

/** The current user of a disk. */
export interface DiskUser {
  /** A description for messages, without a full stop. */
  readonly what: string;
  /** A migration from which a plan may take the disk by naming it; undefined if no plan may. */
  readonly givesUp: string | undefined;
}

/** Names and disks that the log assigns to migrations. The target itself may not show them yet. */
export interface TargetUse {
  /** `namespace/name` of a VM → the migration that creates it. */
  readonly places: ReadonlyMap<string, string>;
  /** Name of a disk → the migration that adopted it. */
  readonly disks: ReadonlyMap<string, DiskUser>;
}

/** A disk of a VM that another tool brought to the target. */
export interface AdoptedDisk {
  readonly diskId: string;
  /** The target's name for it. */
  readonly name: string;
  readonly format: 'raw' | 'qcow2';
}

export interface AdoptedProblem {
  readonly reason: 'NotFound' | 'Ambiguous' | 'OtherSize' | 'NotUsable' | 'InUse';
  /** Without a full stop. */
  readonly message: string;
}

/** The disks found for one VM. Without `problems`, `disks` is complete and in the VM's order. */
export interface AdoptedVm {
  readonly disks: readonly AdoptedDisk[];
  readonly problems: readonly AdoptedProblem[];
}

/**
 * The state of a target as `look` saw it for a plan. Kinds of targets add fields of their own; callers only pass it back
 * to the same target.
 */
export interface TargetView {
  /** Undefined if unknown or unlimited. */
  readonly freeBytes: number | undefined;
  /** `namespace/name` → its current owner. */
  readonly taken: ReadonlyMap<string, string>;
  /** Id of the source VM → its disks at the target. Only for plans that convert without copying. */
  readonly adopted: ReadonlyMap<string, AdoptedVm>;
}

export interface Looked<View extends TargetView> {
  /** Reasons why the target cannot be used at all. */
  readonly problems: readonly InventoryProblem[];
  readonly view: View;
}

/** Where a VM goes at the target: the part of its record that `Target.place` fills in. */
export type Placement = Pick<VmRecord, 'folder' | 'nics' | 'disks'>;

/** Returns a VM's NICs for its record. The target omits NICs with a null network: unmapped or ignored ones. Pure. */
export function recordedNics({ vm, networkOf }: VmAtTarget): VmRecord['nics'] {
  return vm.nics.map((nic, index) => {
    const destination = networkOf[index]?.destination;
    const network = destination === undefined || destination.type === 'ignored' ? null : destination;
    return { nicId: nic.id, ...(nic.mac === undefined ? {} : { mac: nic.mac }), network };
  });
}
