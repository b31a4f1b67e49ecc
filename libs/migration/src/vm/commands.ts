import type { Presence } from '../presence/presence.js';
import type { ItineraryStep, Report, StepError, StepName, VmRecord } from '@ledgerlift/contracts';

/** What may be asked of one VM's migration. Time and chance come in with the command: the decider has neither. */
export type VmCommand =
  | { readonly kind: 'plan'; readonly record: VmRecord; readonly itinerary: readonly ItineraryStep[] }
  /** It has a place: the step at which it stands is asked for. */
  | { readonly kind: 'admit'; readonly at: Date }
  /** It may remove snapshots now. */
  | { readonly kind: 'take-turn' }
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
  /** The request of an attempt could not be understood by any worker. */
  | {
      readonly kind: 'reject';
      readonly step: StepName;
      readonly attempt: number;
      readonly error: StepError;
      readonly at: Date;
      readonly random: number;
    }
  /** Another system answers a hook. */
  | {
      readonly kind: 'answer-hook';
      readonly hook: string;
      readonly by: string;
      readonly succeeded: 'yes' | 'no';
      readonly said: string;
      readonly at: Date;
      readonly random: number;
    }
  /** The time has come that `wakeAt` named. */
  | { readonly kind: 'wake'; readonly at: Date; readonly random: number; readonly presence: Presence }
  | { readonly kind: 'pause'; readonly reason: string }
  | { readonly kind: 'resume'; readonly reason: string }
  /** `dueAt` in the past or now: as soon as may be. */
  | {
      readonly kind: 'cutover';
      readonly reason: string;
      readonly by: string;
      readonly dueAt: Date;
      readonly at: Date;
    }
  /** `dueAt`: of the request that is meant; without it whichever is scheduled. */
  | {
      readonly kind: 'approve-cutover';
      readonly reason: string;
      readonly by: string;
      readonly dueAt?: Date;
      readonly at: Date;
    }
  /** No cutover until an operator asks for one. */
  | { readonly kind: 'withdraw-cutover'; readonly reason: string; readonly at: Date }
  /** Hooks of the whole plan are done, for which its cutover waits. */
  | { readonly kind: 'release-cutover'; readonly hooks: readonly string[] }
  | { readonly kind: 'test-boot'; readonly reason: string }
  | { readonly kind: 'cancel'; readonly reason: string }
  /** `record`: the VM as the plan has it now, where that has changed. */
  | { readonly kind: 'retry'; readonly reason: string; readonly record?: VmRecord }
  | { readonly kind: 'rollback'; readonly reason: string; readonly at: Date }
  | { readonly kind: 'abandon'; readonly reason: string }
  /** Tries again to remove what a clean-up gave up. */
  | { readonly kind: 'clean-up'; readonly reason: string }
  /** Deletes a target that was allowed to start. `targetName`: names it once more, so that nobody does it by mistake. */
  | { readonly kind: 'delete-target'; readonly reason: string; readonly targetName: string };
export type CommandOf<K extends VmCommand['kind']> = Extract<VmCommand, { kind: K }>;
