import type { z } from 'zod';

/** What is wrong with an input, where it is said best. */
export interface BestIssue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  /** The value there; undefined unless it was parsed with `reportInput`. */
  readonly input: unknown;
}

/**
 * The first thing that is wrong. Of a union: in the member that is meant, as far as its `type` or `kind` tells, and there
 * in the one that got furthest.
 */
export function bestIssue(error: z.ZodError): BestIssue | undefined {
  const [issue] = error.issues;
  return issue && within(issue, []);
}

function within(issue: z.core.$ZodIssue, above: readonly PropertyKey[]): BestIssue {
  const path = [...above, ...issue.path];
  if (issue.code === 'unrecognized_keys') {
    const [key = ''] = issue.keys;
    return { path: [...path, key], message: 'is not a field that is known here', input: undefined };
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
