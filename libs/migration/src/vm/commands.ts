import type { ItineraryStep, Report, StepError, StepName, VmRecord } from '@ledgerlift/contracts';

/** What may be asked of one VM's migration. Time and chance come in with the command: the decider has neither. */
export type VmCommand =
  | { readonly kind: 'plan'; readonly record: VmRecord; readonly itinerary: readonly ItineraryStep[] }
  | { readonly kind: 'admit' }
  | { readonly kind: 'claim'; readonly step: StepName; readonly attempt: number; readonly worker: string }
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
  | { readonly kind: 'retry-due'; readonly at: Date }
  | { readonly kind: 'cancel'; readonly reason: string }
  | { readonly kind: 'retry'; readonly reason: string; readonly record?: VmRecord }
  | { readonly kind: 'abandon'; readonly reason: string };
