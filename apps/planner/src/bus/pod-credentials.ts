import { readFile } from 'node:fs/promises';
import { type ServiceName, inboxOf } from '@ledgerlift/contracts';
import { podPermissions } from '@ledgerlift/messaging';
import { BadSetting } from '@ledgerlift/service';
import { type KeyPair, type User, checkKey, encodeUser } from '@nats-io/jwt';

/** Setting: the file with the signing seed. */
export const SIGNING_SEED_FILE = 'LEDGERLIFT_NATS_SIGNING_SEED_FILE';
/** Setting: the account, if the seed is that of one of its signing keys. */
export const ACCOUNT = 'LEDGERLIFT_NATS_ACCOUNT';

/** As configured. The seed itself is read at each use and not kept. */
export interface PodSigning {
  readonly seedFile: string | undefined;
  /** Public key of the account. */
  readonly account: string | undefined;
}

/** Signs user JWTs. */
export interface Signer {
  readonly key: KeyPair;
  /** Public key of the account, if `key` is one of its signing keys. */
  readonly account: string | undefined;
}

export interface PodCredentialOptions {
  readonly stream: string;
  /** The pod's own site: `{site}.{pod}`. */
  readonly site: string;
  readonly services: readonly ServiceName[];
  readonly userPublicKey: string;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly lifetimeMs: number;
  /** The pod's largest message in bytes; Infinity leaves the limit to the server. */
  readonly maxPayload: number;
}

/** One for requests, one per service for pulls and capabilities, one per attempt for its stop: a few dozen suffice. */
const MOST_SUBSCRIPTIONS = 64;
/** In nanoseconds. A worker asks its tools for their versions before it answers. */
const ANSWER_WITHIN = 60 * 1_000_000_000;

/**
 * Reads the signing key.
 * @throws BadSetting if none is set, it cannot be read, or it is not an account's seed; the error never shows the seed
 */
export async function readSigner({ seedFile, account }: PodSigning): Promise<Signer> {
  const wanted = 'the path of a file with the seed of a NATS account key or signing key (SA…)';
  if (seedFile === undefined) throw new BadSetting(SIGNING_SEED_FILE, undefined, wanted);
  try {
    const seed = (await readFile(seedFile, 'utf8')).trim();
    const key = checkKey(seed, 'A', true);
    if (account !== undefined) checkPublic(account);
    return { key, account: account === key.getPublicKey() ? undefined : account };
  } catch (error) {
    if (error instanceof BadSetting) throw error;
    // Somebody may have set the seed instead of its path.
    const shown = /^S[A-Z2-7]{50,}$/.test(seedFile) ? 'a seed' : seedFile;
    throw new BadSetting(SIGNING_SEED_FILE, shown, `${wanted} that the planner may read`);
  }
}

function checkPublic(account: string): void {
  try {
    // The checksum is verified only when the key is used.
    checkKey(account, 'A').verify(new Uint8Array(1), new Uint8Array(64));
  } catch {
    throw new BadSetting(
      ACCOUNT,
      account,
      'the public key of the NATS account, as `nsc describe account` shows it',
    );
  }
}

/**
 * Makes the credential of a pod's workers: a user JWT that gives access to one VM's subjects and nothing else. It is useless
 * without the seed of `userPublicKey`.
 */
export function mintPodCredential(
  { key, account }: Signer,
  { stream, site, services, userPublicKey, now, lifetimeMs, maxPayload }: PodCredentialOptions,
): Promise<string> {
  const { publish, subscribe } = podPermissions(stream, site, services, inboxOf(userPublicKey));
  const user: Partial<User> = {
    pub: { allow: [...publish] },
    sub: { allow: [...subscribe] },
    // Requests for its capabilities come from any inbox.
    resp: { max: 1, ttl: ANSWER_WITHIN },
    subs: MOST_SUBSCRIPTIONS,
    payload: Number.isFinite(maxPayload) ? maxPayload : -1,
    allowed_connection_types: ['STANDARD'],
  };
  const exp = Math.floor((now + lifetimeMs) / 1000);
  return encodeUser(site, userPublicKey, account ?? key, user, {
    exp,
    ...(account === undefined ? {} : { signer: key }),
  });
}
