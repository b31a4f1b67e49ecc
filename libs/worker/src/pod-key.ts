import { createUser, fromSeed } from '@nats-io/nkeys';

/** The key pair of a pod's NATS user. Its seed is a secret. */
export interface UserKey {
  readonly publicKey: string;
  readonly seed: string;
}

export function freshKey(): UserKey {
  const pair = createUser();
  return { publicKey: pair.getPublicKey(), seed: new TextDecoder().decode(pair.getSeed()) };
}

// https://docs.nats.io/using-nats/developer/connecting/creds: two blocks between lines of dashes.
const JWT = /-{3,} *BEGIN NATS USER JWT *-{3,}\s+(\S+)\s+-{3,}/;
const SEED = /-{3,} *BEGIN USER NKEY SEED *-{3,}\s+(\S+)\s+-{3,}/;

/** A creds file, as NATS' clients read it. */
export const credsOf = ({ seed }: UserKey, jwt: string): string =>
  [
    '-----BEGIN NATS USER JWT-----',
    jwt,
    '------END NATS USER JWT------',
    '',
    '-----BEGIN USER NKEY SEED-----',
    seed,
    '------END USER NKEY SEED------',
    '',
  ].join('\n');

/** The key of a creds file; undefined where it holds none. */
export function keyIn(creds: string): UserKey | undefined {
  const [, seed] = SEED.exec(creds) ?? [];
  if (seed === undefined) return undefined;
  try {
    return { seed, publicKey: fromSeed(new TextEncoder().encode(seed)).getPublicKey() };
  } catch {
    return undefined;
  }
}

/** When the JWT of a creds file expires, in milliseconds since 1970; 0 where it does not say. */
export function expiryIn(creds: string): number {
  const [, jwt = ''] = JWT.exec(creds) ?? [];
  const [, claims = ''] = jwt.split('.');
  try {
    const { exp } = JSON.parse(Buffer.from(claims, 'base64url').toString('utf8')) as { exp?: unknown };
    return typeof exp === 'number' ? exp * 1000 : 0;
  } catch {
    return 0;
  }
}
