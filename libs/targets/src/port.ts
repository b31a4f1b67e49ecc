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

/** A manifest or another description of a VM, as text. */
export interface RenderedFile {
  /** Such as `vm.yaml`. */
  readonly name: string;
  readonly content: string;
}

/** The end of a log file. */
export interface LogTail {
  readonly text: string;
  /** Size of the whole log. */
  readonly sizeBytes: number;
}

/**
 * A kind of target system. The planner uses it to check plans, to place VMs and to list their steps; workers open its
 * `workplace` to do those steps. To add one, create a folder and add a line to the registry.
 */
export interface Target<
  Settings extends TargetSettings = TargetSettings,
  View extends TargetView = TargetView,
> {
  readonly type: TargetType;
  readonly role?: TargetRole;
  /** The conditions that only this kind of target raises. */
  readonly conditionTypes: ConditionCatalogue;
  /** Finds out whether the target is usable, its free space, and which parts of the plan already exist. Read-only. */
  look(target: TargetAt<Settings>, plan: PlanAtTarget, use: TargetUse): Promise<Looked<View>>;
  /** Returns the conditions that this target raises on the plan. Pure. */
  conditions(target: TargetAt<Settings>, plan: PlanAtTarget, view: View): readonly Condition[];
  /** Places one VM of a plan that has no blocking conditions. Pure. @returns undefined if a part is missing */
  place(target: TargetAt<Settings>, plan: PlanAtTarget, vm: VmAtTarget, view: View): Placement | undefined;
  /** Lists the VM's steps in order. Pure. @throws RecordMismatch if no site reaches both source and target */
  itineraryFor(record: VmRecord, targetSites?: readonly string[]): ItineraryStep[];
  /** Lists the resources that each step claims. Pure. */
  claimsFor(record: VmRecord): Readonly<Record<StepName, readonly Resource[]>>;
  /**
   * Renders the VM in the target's own format, so that users can review it before it is created. Pure.
   *
   * @param vm the VM to be created
   */
  render(record: VmRecord, vm: TargetVm): readonly RenderedFile[];
  /** Tells users where the target is, such as the path of a folder. Pure. */
  where(target: TargetAt<Settings>): string;
  /**
   * Reads the end of a log that a workplace kept with the VM.
   *
   * @param name the name under which it was claimed
   * @returns undefined if there is no such log
   * @throws if the target cannot be reached
   */
  readLog(record: VmRecord, name: string, tailBytes: number): Promise<LogTail | undefined>;
  /** Closes connections kept open between calls of `look`; the next call opens them again. */
  close?(): Promise<void>;
  /** Worker pods beside the disks, for targets that other workers cannot reach. Each VM's steps go to a site of its own. */
  readonly pods?: TargetPods<Settings>;
  /** Opens the workplace of an attempt, creating nothing of the VM yet. The caller must always dispose of it. */
  workplace(record: VmRecord, guard: Guard): Promise<Workplace>;
}

/** Runs worker pods beside the disks of a VM. */
export interface TargetPods<Settings extends TargetSettings = TargetSettings> {
  /** Environment variables that the target's settings give to worker pods; plan checks use them to know what pods can read. Pure. */
  environment(target: TargetAt<Settings>): Readonly<Record<string, string>>;
  /**
   * Starts the VM's pod unless it already runs. Called for each attempt, and again while nobody has claimed one.
   * @throws if the pod cannot run, with the cause; this fails the attempt
   */
  ensure(record: VmRecord, guard: Guard, launch: PodLaunch): Promise<'running' | 'starting'>;
}

export interface PodLaunch {
  /** Site that reaches the target; the pod's own site is `{site}.{pod}`. */
  readonly site: string;
  /**
   * Issues the creds file with which the pod logs in to NATS. A secret.
   * @param before the creds file that the pod has; returned unchanged while it is still valid
   */
  credential(before: string | undefined): Promise<string>;
  readonly now: Date;
}

/** The role that Ledgerlift's account needs at a kind of target, for the administrator who grants it. */
export interface TargetRole {
  /** The administrator's name for this kind of target. */
  readonly target: string;
  /** Renders a manifest that is ready to apply. */
  manifest(request: TargetRoleRequest): string;
}

export interface TargetRoleRequest {
  /** The service account that Ledgerlift uses there. */
  readonly account: { readonly namespace: string; readonly name: string };
  /** Namespaces that VMs are migrated into. */
  readonly namespaces: readonly string[];
}

/** A target from outside this product. A service loads it if LEDGERLIFT_EXTENSIONS names its module. */
export interface ExtensionTarget extends Target {
  readonly type: ExtensionType;
  /** Strict schema of its part of the provider spec; its issues are shown to the user who creates or changes a provider. */
  readonly settings: z.ZodType;
}
