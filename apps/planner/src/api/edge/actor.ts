import type { Actor } from '@ledgerlift/contracts';
import { InvalidField } from './errors.js';

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
