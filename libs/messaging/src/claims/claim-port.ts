import type {
  AttemptRef,
  ClaimAnswer,
  ClaimRequest,
  LeaseAnswer,
  Report,
  ReportAnswer,
} from '@ledgerlift/contracts';

/**
 * What workers ask of the planner. Each may be asked twice, late, or about something that is over; the answers
 * to the same worker about the same attempt stay the same.
 */
export interface ClaimPort {
  /** Answers 'granted' only when StepStarted is in the log, at an exact revision. Granting again renews the lease. */
  claim(request: ClaimRequest): Promise<ClaimAnswer>;
  /** Answers 'stop' when the attempt is to end or is not this worker's; says up to which report the log goes. */
  renew(request: AttemptRef): Promise<LeaseAnswer>;
  /** Answers when what the report says is in the log. */
  report(report: Report): Promise<ReportAnswer>;
}
