/** How a failure is to be answered: tried again, given up, or put before an operator. */
export type FailureClass = 'transient' | 'permanent' | 'needs-operator';

/** What crosses a boundary when something failed: an API body, a report, an event. Never holds a secret. */
export interface ErrorDetails {
  readonly code: string;
  readonly message: string;
  /** The field that was wrong, as a path such as `spec.vms[2].name`. */
  readonly field?: string;
}

/**
 * The root of every error that Ledgerlift raises on purpose. A subclass exists for each decision that a caller
 * must make; its `code` is stable, listed in docs/errors.md, and never reused.
 */
export abstract class LedgerliftError extends Error {
  abstract readonly code: `LL-${string}`;
  /** Class of the failure when it ends a step; permanent unless the subclass knows better. */
  readonly failure: FailureClass = 'permanent';
  /**
   * What it means for the VM when it ends a step: a failure of that step, that it ended in order before its work was
   * done, or that the source is not as it was: it ran although it had been powered off, or the snapshot that was being
   * read is no more.
   */
  readonly outcome: 'failed' | 'stopped' | 'source-ran' | 'snapshot-lost' = 'failed';
  /**
   * `none`: it came before the step did what it is for, so that nothing outside has changed. Unless the subclass knows
   * better, a step that failed may have had its effect.
   */
  readonly effect: 'none' | 'possible' = 'possible';
  readonly field?: string;

  constructor(message: string, options?: { readonly cause?: unknown; readonly field?: string }) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    if (options?.field !== undefined) this.field = options.field;
  }

  details(): ErrorDetails {
    return {
      code: this.code,
      message: this.message,
      ...(this.field === undefined ? {} : { field: this.field }),
    };
  }
}
