import { writeFile } from 'node:fs/promises';
import { makeNatsKeys } from '@ledgerlift/nats-keys';
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
 * Makes the keys of a server, as `ledgerlift nats-keys` does for an installation.
 * @returns the lines of the server's configuration, and the files for its users
 */
export async function makeOperator(
  folder: TemporaryFolder,
): Promise<{ readonly configuration: readonly string[]; readonly files: OperatorFiles }> {
  const keys = await makeNatsKeys('spec');
  const files: OperatorFiles = {
    servicesCreds: folder.file('services.creds'),
    signingSeedFile: folder.file('signing.seed'),
    account: keys.account,
  };
  await writeFile(files.servicesCreds, keys.servicesCreds, { mode: 0o600 });
  await writeFile(files.signingSeedFile, keys.signingSeed, { mode: 0o600 });
  return { files, configuration: [keys.resolver] };
}
