import { readFile } from 'node:fs/promises';
import { type ServiceName, inboxOf } from '@ledgerlift/contracts';
import { podPermissions } from '@ledgerlift/messaging';
import { BadSetting } from '@ledgerlift/service';
import { type KeyPair, type User, checkKey, encodeUser } from '@nats-io/jwt';

/** The setting that names the file with the seed that signs. */
export const SIGNING_SEED_FILE = 'LEDGERLIFT_NATS_SIGNING_SEED_FILE';
/** The setting that names the account, where what signs is one of its signing keys. */
export const ACCOUNT = 'LEDGERLIFT_NATS_ACCOUNT';

/** As set; the seed itself is read at each use and kept nowhere. */
export interface PodSigning {
  readonly seedFile: string | undefined;
  /** Public key of the account. */
  readonly account: string | undefined;
}

/** Signs user JWTs. */
export interface Signer {
  readonly key: KeyPair;
  /** Public key of the account, where the key is a signing key of it. */
  readonly account: string | undefined;
}

export interface PodCredentialOptions {
  readonly stream: string;
  /** The pod's own: `{site}.{pod}`. */
  readonly site: string;
  readonly services: readonly ServiceName[];
  readonly userPublicKey: string;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly lifetimeMs: number;
  /** How large a message of the pod may be, in bytes; infinite: as large as the server takes. */
  readonly maxPayload: number;
}

/** One for requests, one a service for its pulls and capabilities, one an attempt for its stop: a few dozen are plenty. */
const MOST_SUBSCRIPTIONS = 64;
/** A worker asks its tools for their versions before it answers. Nanoseconds. */
const ANSWER_WITHIN = 60 * 1_000_000_000;

/**
 * Reads the key that signs.
 * @throws BadSetting where none is set, it cannot be read, or is no seed of an account; never with the seed
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
    // Somebody may have set the seed in place of its path.
    const shown = /^S[A-Z2-7]{50,}$/.test(seedFile) ? 'a seed' : seedFile;
    throw new BadSetting(SIGNING_SEED_FILE, shown, `${wanted} that the planner may read`);
  }
}

function checkPublic(account: string): void {
  try {
    // Its checksum is looked at when the key is used only.
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
 * Makes the credential of a pod's workers: a user JWT that reaches one VM's subjects and nothing else. It is of use only
 * with the seed that belongs to `userPublicKey`.
 */
export function mintPodCredential(
  { key, account }: Signer,
  { stream, site, services, userPublicKey, now, lifetimeMs, maxPayload }: PodCredentialOptions,
): Promise<string> {
  const { publish, subscribe } = podPermissions(stream, site, services, inboxOf(userPublicKey));
  const user: Partial<User> = {
    pub: { allow: [...publish] },
    sub: { allow: [...subscribe] },
    // What it can do is asked for from any inbox.
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
