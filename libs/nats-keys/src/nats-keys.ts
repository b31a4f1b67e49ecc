import {
  createAccount,
  createOperator,
  createUser,
  encodeAccount,
  encodeOperator,
  encodeUser,
  fmtCreds,
  type KeyPair,
} from '@nats-io/jwt';

/** Everything that a nats-server in operator mode and its users need. All but `resolver` and `account` is secret. */
export interface NatsKeys {
  /** Lines of the server's configuration: the operator, the accounts, and the system account. */
  readonly resolver: string;
  /** Public key of Ledgerlift's account: `A` and 55 letters and digits. */
  readonly account: string;
  /** The services' `.creds` file, which allows everything in the account. */
  readonly servicesCreds: string;
  /** Seed of the account's signing key, with which the planner signs the credentials of worker pods. */
  readonly signingSeed: string;
  /** Seeds that can revoke a signing key or make another. No service needs them. */
  readonly offline: {
    readonly operatorSeed: string;
    readonly systemSeed: string;
    readonly accountSeed: string;
  };
}

/**
 * Makes an operator, a system account and an account with JetStream, in memory. Each call makes new keys, and a server with new
 * keys refuses all credentials of the old ones.
 *
 * @param operatorName shown by NATS's tools
 */
export async function makeNatsKeys(operatorName: string): Promise<NatsKeys> {
  const [operator, system, account, signing, services] = [
    createOperator(),
    createAccount(),
    createAccount(),
    createAccount(),
    createUser(),
  ];
  const [systemKey, accountKey] = [system.getPublicKey(), account.getPublicKey()];
  const signer = { signer: operator };
  const operatorJwt = await encodeOperator(operatorName, operator, { system_account: systemKey });
  const systemJwt = await encodeAccount('SYS', systemKey, { limits: unlimited }, signer);
  const accountJwt = await encodeAccount(
    'LEDGERLIFT',
    accountKey,
    {
      limits: { ...unlimited, mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 },
      signing_keys: [signing.getPublicKey()],
    },
    signer,
  );
  const userJwt = await encodeUser('services', services, accountKey, {}, { signer: signing });
  return {
    resolver: lines([
      `operator: ${operatorJwt}`,
      `system_account: ${systemKey}`,
      'resolver: MEMORY',
      `resolver_preload: { ${systemKey}: ${systemJwt}, ${accountKey}: ${accountJwt} }`,
    ]),
    account: accountKey,
    servicesCreds: new TextDecoder().decode(fmtCreds(userJwt, services)),
    signingSeed: seedOf(signing),
    offline: { operatorSeed: seedOf(operator), systemSeed: seedOf(system), accountSeed: seedOf(account) },
  };
}

// An account has no right that its JWT does not give: https://docs.nats.io/running-a-nats-service/configuration/securing_nats/auth_intro/jwt
const unlimited = {
  subs: -1,
  data: -1,
  payload: -1,
  imports: -1,
  exports: -1,
  wildcards: true,
  conn: -1,
  leaf: -1,
};

const lines = (all: readonly string[]): string => `${all.join('\n')}\n`;

const seedOf = (key: KeyPair): string => lines([new TextDecoder().decode(key.getSeed())]);
