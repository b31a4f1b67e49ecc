import type {
  Condition,
  ItineraryStep,
  NetworkPair,
  Release,
  Resource,
  SourceVm,
  StepName,
  StoragePair,
  TargetRecord,
  VmRecord,
} from '@ledgerlift/contracts';
import type { z } from 'zod';

export type TargetType = z.infer<typeof TargetRecord>['type'];
export type TargetSettings = z.infer<typeof TargetRecord>['settings'];
export type NicKind = SourceVm['nics'][number]['kind'];
export type NetworkDestination = z.infer<typeof NetworkPair>['destination'];
export type StorageDestination = z.infer<typeof StoragePair>['destination'];

/** What one VM needs room for. */
export interface RoomRequest {
  /** Sizes of its disks in bytes, and whether each must be unpacked before it can be read. */
  readonly disks: readonly { readonly size: number; readonly unpacked: 'unpacked' | 'read-in-place' }[];
  /** A conversion writes into overlays before anything is committed. */
  readonly conversion: 'converted' | 'left-as-is';
}

/** What was mapped to what, for the message. */
export interface NetworkUse {
  readonly source: string;
  readonly destination: NetworkDestination;
  readonly nicKinds: readonly NicKind[];
}
export interface StorageUse {
  readonly source: string;
  readonly destination: StorageDestination;
}

/**
 * A kind of target: what a plan is checked for, which steps lead into it, and what those make. A new target is a
 * folder and a line in the registry.
 */
export interface Target {
  readonly type: TargetType;
  /** Whether the target can be reached and written. Makes nothing. */
  check(settings: TargetSettings): Promise<Condition[]>;
  /** Whether there is room for the VMs, all at a time. */
  checkRoom(settings: TargetSettings, vms: readonly RoomRequest[]): Promise<Condition[]>;
  /** Whether the names are free. */
  checkNames(
    settings: TargetSettings,
    vms: readonly { readonly namespace: string; readonly targetName: string }[],
  ): Promise<Condition[]>;
  /** Whether the target has the networks, and they allow the kinds of NIC. Pure. */
  checkNetworks(settings: TargetSettings, uses: readonly NetworkUse[]): Condition[];
  /** Whether the target has the storages, and they offer access and volume mode. Pure. */
  checkStorages(settings: TargetSettings, uses: readonly StorageUse[]): Condition[];
  /** Pure. @see directory/itinerary.ts */
  itineraryFor(record: VmRecord, targetSites?: readonly string[]): ItineraryStep[];
  /** What each step claims. Pure. */
  claimsFor(record: VmRecord): Readonly<Record<StepName, readonly Resource[]>>;
  /** Takes one resource away. Whoever wrote it must have ended. */
  release(record: VmRecord, resource: Resource): Promise<Release['how']>;
}
