import type {
  Condition,
  ConditionCatalogue,
  ExtensionType,
  ItineraryStep,
  Resource,
  StepName,
  VmRecord,
} from '@ledgerlift/contracts';
import type { z } from 'zod';
import type {
  Looked,
  Placement,
  PlanAtTarget,
  TargetAt,
  TargetSettings,
  TargetType,
  TargetUse,
  TargetView,
  VmAtTarget,
} from './plan.js';
import type { TargetVm } from './vm-model/index.js';
import type { Guard, Workplace } from './workplace.js';

export type * from './plan.js';
export type * from './workplace.js';

/** A manifest, or another description of a VM. */
export interface RenderedFile {
  /** Such as `vm.yaml`. */
  readonly name: string;
  readonly content: string;
}

/** The end of a log. */
export interface LogTail {
  readonly text: string;
  /** Of the whole log. */
  readonly sizeBytes: number;
}

/**
 * A kind of target: what a plan is checked for, where its VMs come, which steps lead there, and the place where workers
 * do them. A new one is a folder and a line in the registry.
 */
export interface Target<
  Settings extends TargetSettings = TargetSettings,
  View extends TargetView = TargetView,
> {
  readonly type: TargetType;
  readonly role?: TargetRole;
  /** The conditions that only this kind of target raises. */
  readonly conditionTypes: ConditionCatalogue;
  /** Looks whether the target can be used, how much room it has, and what of the plan is there. Makes nothing. */
  look(target: TargetAt<Settings>, plan: PlanAtTarget, use: TargetUse): Promise<Looked<View>>;
  /** What stands against the plan at this target. Pure. */
  conditions(target: TargetAt<Settings>, plan: PlanAtTarget, view: View): readonly Condition[];
  /** The place of one VM, of a plan against which nothing stands. Pure. @returns undefined where a part is missing */
  place(target: TargetAt<Settings>, plan: PlanAtTarget, vm: VmAtTarget, view: View): Placement | undefined;
  /** The VM's steps, in their order. Pure. @throws RecordMismatch where no site reaches both ends */
  itineraryFor(record: VmRecord, targetSites?: readonly string[]): ItineraryStep[];
  /** What each step claims. Pure. */
  claimsFor(record: VmRecord): Readonly<Record<StepName, readonly Resource[]>>;
  /**
   * What it makes of a VM, as users know it: to be read before anything is made. Pure.
   *
   * @param vm as it will be
   */
  render(record: VmRecord, vm: TargetVm): readonly RenderedFile[];
  /** Where users find the target, such as the path of a folder. Pure. */
  where(target: TargetAt<Settings>): string;
  /**
   * The end of a log that a workplace kept with the VM.
   *
   * @param name as it was claimed
   * @returns undefined where there is none
   * @throws where it cannot be reached
   */
  readLog(record: VmRecord, name: string, tailBytes: number): Promise<LogTail | undefined>;
  /** Ends what it keeps open between two looks; it is opened again when it is looked at. */
  close?(): Promise<void>;
  /** Workers beside the disks, where those elsewhere do not reach them: their steps are sent to a site of the VM's own. */
  readonly pods?: TargetPods;
  /** Where a worker does what an attempt asks for. Makes nothing of the VM yet; to be closed in any case. */
  workplace(record: VmRecord, guard: Guard): Promise<Workplace>;
}

/** Runs workers beside the disks of a VM. */
export interface TargetPods {
  /**
   * Sees that the VM's pod runs, or is on its way; called again for each attempt that it is asked for, and while nobody claims one.
   * @throws where it cannot run, with the cause: the attempt has failed of it
   */
  ensure(record: VmRecord, guard: Guard, launch: PodLaunch): Promise<'running' | 'starting'>;
}

export interface PodLaunch {
  /** At which the target is reached; the pod's own is `{site}.{pod}`. */
  readonly site: string;
  /**
   * What the pod logs in to NATS with, as a creds file. A secret.
   * @param before what it was given; the same is returned where that lasts
   */
  credential(before: string | undefined): Promise<string>;
  readonly now: Date;
}

/** What an account needs at a kind of target, for those who give it. */
export interface TargetRole {
  /** What the target is called by whoever runs it. */
  readonly target: string;
  /** Ready to be applied. */
  manifest(request: TargetRoleRequest): string;
}

export interface TargetRoleRequest {
  /** The service account that Ledgerlift uses there. */
  readonly account: { readonly namespace: string; readonly name: string };
  /** Those that VMs are migrated into. */
  readonly namespaces: readonly string[];
}

/** A target that is no part of this product. A service has it while LEDGERLIFT_EXTENSIONS names its module. */
export interface ExtensionTarget extends Target {
  readonly type: ExtensionType;
  /** Of its part of the spec, strict: what is wrong is told to whoever creates or changes a provider. */
  readonly settings: z.ZodType;
}
