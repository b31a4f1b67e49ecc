import {
  type ItineraryStep,
  LedgerliftError,
  type Report,
  type StepError,
  type StepName,
  type VmRecord,
} from '@ledgerlift/contracts';
import type { Presence } from '../presence.js';
import { targetWasLetGo } from './let-go.js';

/** Commands for one VM's migration. They carry the time and random numbers, because the decider has neither. */
export type VmCommand =
  | { readonly kind: 'plan'; readonly record: VmRecord; readonly itinerary: readonly ItineraryStep[] }
  /** The VM holds a slot: requests its current step. */
  | { readonly kind: 'admit'; readonly at: Date }
  /** The VM may remove snapshots now. */
  | { readonly kind: 'take-removal-slot' }
  | {
      readonly kind: 'claim';
      readonly step: StepName;
      readonly attempt: number;
      readonly worker: string;
      readonly at: Date;
    }
  | { readonly kind: 'report'; readonly report: Report; readonly at: Date; readonly random: number }
  /** The lease of a started attempt ran out: its worker is lost. */
  | { readonly kind: 'lose'; readonly step: StepName; readonly attempt: number; readonly at: Date }
  /** No worker could read the request of the attempt. */
  | {
      readonly kind: 'reject';
      readonly step: StepName;
      readonly attempt: number;
      readonly error: StepError;
      readonly at: Date;
      readonly random: number;
    }
  /** Another system answered a hook. */
  | {
      readonly kind: 'answer-hook';
      readonly hook: string;
      readonly by: string;
      readonly succeeded: 'yes' | 'no';
      readonly said: string;
      readonly at: Date;
      readonly random: number;
    }
  /** The time that `wakeAt` returned has come. */
  | { readonly kind: 'wake'; readonly at: Date; readonly random: number; readonly presence: Presence }
  | { readonly kind: 'pause'; readonly reason: string }
  | { readonly kind: 'resume'; readonly reason: string }
  /** `dueAt` now or in the past: as soon as possible. */
  | {
      readonly kind: 'cutover';
      readonly reason: string;
      readonly by: string;
      readonly dueAt: Date;
      readonly at: Date;
    }
  /** `dueAt` identifies the request to approve; without it, whichever is scheduled. */
  | {
      readonly kind: 'approve-cutover';
      readonly reason: string;
      readonly by: string;
      readonly dueAt?: Date;
      readonly at: Date;
    }
  /** No cutover until an operator requests one. */
  | { readonly kind: 'withdraw-cutover'; readonly reason: string; readonly at: Date }
  /** The plan's hooks at the cutover, for which the VM's cutover waited, are done. */
  | { readonly kind: 'release-cutover'; readonly hooks: readonly string[] }
  | { readonly kind: 'test-boot'; readonly reason: string }
  | { readonly kind: 'cancel'; readonly reason: string }
  /** `record`: the VM as the plan describes it now, if that changed. */
  | { readonly kind: 'retry'; readonly reason: string; readonly record?: VmRecord }
  | { readonly kind: 'rollback'; readonly reason: string; readonly at: Date }
  | { readonly kind: 'abandon'; readonly reason: string }
  /** Retries to remove what an earlier clean-up could not. */
  | { readonly kind: 'clean-up'; readonly reason: string }
  /** Deletes a target that was allowed to start. `targetName` confirms it, so that nobody deletes it by mistake. */
  | { readonly kind: 'delete-target'; readonly reason: string; readonly targetName: string };
export type CommandOf<K extends VmCommand['kind']> = Extract<VmCommand, { kind: K }>;

/** The command makes no sense in the VM's state. Nothing was changed. */
export class CommandRefused extends LedgerliftError {
  readonly code: 'LL-MIG-001' | 'LL-MIG-012' = 'LL-MIG-001';
  constructor(
    readonly command: string,
    readonly reason: string,
  ) {
    super(`${command} is refused: ${reason}`);
  }
}

/** The command would overwrite a target that was allowed to start. Roll it back, or delete it first. */
export class TargetWasLetGo extends CommandRefused {
  override readonly code = 'LL-MIG-012';
  constructor(command: string) {
    super(command, targetWasLetGo);
  }
}

/** The attempt is not current: it has ended, another worker has claimed it, or it never existed. Drop the work. */
export class AttemptSuperseded extends LedgerliftError {
  readonly code = 'LL-MIG-002';
  constructor(
    readonly step: string,
    readonly attempt: number,
    readonly reason: string,
  ) {
    super(`attempt ${attempt} of ${step} is not current: ${reason}`);
  }
}
