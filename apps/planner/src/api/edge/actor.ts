import type { Actor } from '@ledgerlift/contracts';

/** Nobody signs in yet: whoever reaches the loopback address is the user of this machine. */
export const LOOPBACK_USER: Actor = { kind: 'user', name: 'local', authenticatedBy: 'loopback' };
/** Whoever may publish on the API's subjects, by the rules of the NATS server. */
export const BUS_USER: Actor = { kind: 'user', name: 'local', authenticatedBy: 'nats' };
