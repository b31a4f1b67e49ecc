import type { z } from 'zod';

/** How to handle a failure: retry it, give up, or ask an operator. */
export type FailureClass = 'transient' | 'permanent' | 'needs-operator';

/** An error as it crosses a boundary, in an API body, a report or an event. Never contains a secret. */
export interface ErrorDetails {
  readonly code: string;
  readonly message: string;
  /** Path of the invalid field, such as `spec.vms[2].name`. */
  readonly field?: string;
}

/**
 * The base class of every error that Ledgerlift raises on purpose. There is a subclass for each decision that a caller must
 * make; its `code` is stable, listed in docs/errors.md, and never reused.
 */
export abstract class LedgerliftError extends Error {
  abstract readonly code: `LL-${string}`;
  /** Class of the failure when it ends a step; permanent unless the subclass overrides it. */
  readonly failure: FailureClass = 'permanent';
  /**
   * What the error means when it ends a step: the step failed; it stopped cleanly before its work was done; the source ran
   * after its power-off; or the snapshot that it read is gone.
   */
  readonly outcome: 'failed' | 'stopped' | 'source-ran' | 'snapshot-lost' = 'failed';
  /**
   * `none`: the step failed before its effect, so nothing outside has changed. Unless the subclass overrides this, a failed
   * step may have had its effect.
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

/** The most useful issue of an invalid input. */
export interface BestIssue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  /** The value there; undefined unless it was parsed with `reportInput`. */
  readonly input: unknown;
}

/**
 * The first issue of an invalid input. In a union: that of the member with the same `type` or `kind`, and among these of the
 * one that parsed furthest.
 */
export function bestIssue(error: z.ZodError): BestIssue | undefined {
  const [issue] = error.issues;
  return issue && within(issue, []);
}

function within(issue: z.core.$ZodIssue, above: readonly PropertyKey[]): BestIssue {
  const path = [...above, ...issue.path];
  if (issue.code === 'unrecognized_keys') {
    const [key = ''] = issue.keys;
    return { path: [...path, key], message: 'is not a known field here', input: undefined };
  }
  if (issue.code === 'invalid_union') {
    const meant = issue.errors.filter((member) => !member.some(tellsApart));
    const inner = (meant.length > 0 ? meant : issue.errors)
      .flatMap(([first]) => (first === undefined ? [] : [within(first, path)]))
      .toSorted((one, other) => other.path.length - one.path.length)[0];
    if (inner !== undefined) return inner;
  }
  return { path, message: issue.message, input: issue.input };
}

const tellsApart = ({ path }: z.core.$ZodIssue): boolean =>
  path.length === 1 && (path[0] === 'type' || path[0] === 'kind');
