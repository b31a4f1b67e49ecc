import { type Actor, bestIssue } from '@ledgerlift/contracts';
import type { z } from 'zod';
import { InvalidField } from './errors.js';

/**
 * @param place what is parsed: `path`, `query` or `body`
 * @throws InvalidField naming the first field that is wrong, its value, and what is expected
 */
export function parseInput<S extends z.ZodType>(schema: S, value: unknown, place: string): z.infer<S> {
  const parsed = schema.safeParse(value, { reportInput: true });
  if (parsed.success) return parsed.data;
  const issue = bestIssue(parsed.error);
  if (issue === undefined) throw new InvalidField(place, '', 'is not valid');
  const { path, message, input } = issue;
  throw new InvalidField(place, fieldPath(path), `${message}${got(input, path)}`);
}

/** The value, where it is short and no secret can be in it. */
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

/** Nobody signs in yet: whoever reaches the loopback address is the user of this machine. */
const LOOPBACK_USER: Actor = { kind: 'user', name: 'local', authenticatedBy: 'loopback' };

/**
 * Who asks over HTTP. The users of one machine may say which of them they are; the history says that they said so.
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
/** Whoever may publish on the API's subjects, by the rules of the NATS server. */
export const BUS_USER: Actor = { kind: 'user', name: 'local', authenticatedBy: 'nats' };
