import { writeFile } from 'node:fs/promises';
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
import type { TemporaryFolder } from '../temporary-folder.js';

/** What users of a server in operator mode need. All of it lies in the server's temporary folder. */
export interface OperatorFiles {
  /** Credentials of the services: everything of the account. */
  readonly servicesCreds: string;
  /** The seed of the account's signing key. */
  readonly signingSeedFile: string;
  /** Public key of the account. */
  readonly account: string;
}

/**
 * Makes an operator, a system account and an account with JetStream, in memory.
 * @returns the lines of the server's configuration, and the files for its users
 */
export async function makeOperator(
  folder: TemporaryFolder,
): Promise<{ readonly configuration: readonly string[]; readonly files: OperatorFiles }> {
  const [operator, system, account, signing, services] = [
    createOperator(),
    createAccount(),
    createAccount(),
    createAccount(),
    createUser(),
  ];
  const [operatorKey, systemKey, accountKey] = [operator, system, account].map((key) => key.getPublicKey());
  if (operatorKey === undefined || systemKey === undefined || accountKey === undefined)
    throw new Error('a key pair has no public key');
  const signer = { signer: operator };
  const operatorJwt = await encodeOperator('spec', operator, { system_account: systemKey });
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
  const files: OperatorFiles = {
    servicesCreds: folder.file('services.creds'),
    signingSeedFile: folder.file('signing.seed'),
    account: accountKey,
  };
  const userJwt = await encodeUser('services', services, accountKey, {}, { signer: signing });
  await writeFile(files.servicesCreds, fmtCreds(userJwt, services), { mode: 0o600 });
  await writeFile(files.signingSeedFile, seedOf(signing), { mode: 0o600 });
  return {
    files,
    configuration: [
      `operator: ${operatorJwt}`,
      `system_account: ${systemKey}`,
      'resolver: MEMORY',
      `resolver_preload: { ${systemKey}: ${systemJwt}, ${accountKey}: ${accountJwt} }`,
    ],
  };
}

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

const seedOf = (key: KeyPair): string => `${new TextDecoder().decode(key.getSeed())}\n`;
