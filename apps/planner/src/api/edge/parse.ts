import { type Actor, bestIssue } from '@ledgerlift/contracts';
import type { z } from 'zod';
import { InvalidField } from './errors.js';

/**
 * @param place part of the request, named in the error: `path`, `query`, `body` or `request`
 * @throws InvalidField with a wrong field, its value, and what is expected
 */
export function parseInput<S extends z.ZodType>(schema: S, value: unknown, place: string): z.infer<S> {
  const parsed = schema.safeParse(value, { reportInput: true });
  if (parsed.success) return parsed.data;
  const issue = bestIssue(parsed.error);
  if (issue === undefined) throw new InvalidField(place, '', 'is not valid');
  const { path, message, input } = issue;
  throw new InvalidField(place, fieldPath(path), `${message}${got(input, path)}`);
}

/** Describes the value, cut to 80 characters. Empty if there is none, or if the field may hold a secret. */
function got(input: unknown, path: readonly PropertyKey[]): string {
  if (input === undefined || path.some((part) => /secret|password|token/i.test(String(part)))) return '';
  if (typeof input === 'object' && input !== null)
    return `, and this is ${Array.isArray(input) ? 'a list' : 'an object'}`;
  const text = JSON.stringify(input) ?? typeof input;
  return `, and this is ${text.length > 80 ? `${text.slice(0, 80)}…` : text}`;
}

/** `vms[2].targetName` */
function fieldPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    return text === '' ? String(part) : `${text}.${String(part)}`;
  }, '');
}

/** There is no sign-in yet: anybody who reaches the loopback address acts as this user. */
const LOOPBACK_USER: Actor = { kind: 'user', name: 'local', authenticatedBy: 'loopback' };

/**
 * Returns the actor of an HTTP request. Users of one machine may claim a name; the history shows it as claimed.
 *
 * @param claimed header `Ledgerlift-User`
 * @throws InvalidField
 */
export function loopbackUser(claimed: string | undefined): Actor {
  if (claimed === undefined) return LOOPBACK_USER;
  if (!/^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/.test(claimed))
    throw new InvalidField('header', 'ledgerlift-user', 'must be 1 to 64 letters, digits and . _ @ -');
  return { kind: 'user', name: claimed, authenticatedBy: 'loopback, as claimed' };
}
/** The actor of every request over NATS. The NATS server decides who may publish on the API's subjects. */
export const BUS_USER: Actor = { kind: 'user', name: 'local', authenticatedBy: 'nats' };
