import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Dns1123Label } from '@ledgerlift/contracts';
import { makeNatsKeys, type NatsKeys } from '@ledgerlift/nats-keys';
import type { Command } from 'commander';
import { stringify } from 'yaml';
import { BadOption, FolderNotEmpty } from '../errors.js';
import type { CommandsContext } from './context.js';

/** Default prefix of the Secrets' names; the chart's values use the same. */
const PREFIX = 'ledgerlift-nats';

interface Given {
  readonly out: string;
  readonly namespace?: string;
  readonly prefix: string;
}

/** `nats-keys`: creates the keys of an installation's NATS, as files and as Kubernetes Secrets. */
export function natsKeysCommand(program: Command, context: CommandsContext): void {
  program
    .command('nats-keys')
    .description(
      'create the operator, account and credentials for a NATS server; nothing is sent to a server or a cluster',
    )
    .requiredOption('--out <folder>', 'an empty or new folder')
    .option('--namespace <name>', "namespace of the Secrets; default: kubectl's own")
    .option('--prefix <name>', "prefix of the Secrets' names", PREFIX)
    .action(async (given: Given) => {
      if (given.namespace !== undefined) checkLabel('--namespace', given.namespace);
      checkLabel('--prefix', given.prefix);
      await makeEmptyFolder(given.out);
      const keys = await makeNatsKeys('ledgerlift');
      const files = filesOf(keys, given);
      for (const [name, content] of Object.entries(files))
        await writeFile(join(given.out, name), content, { mode: 0o600, flag: 'wx' });
      if (context.json()) context.print(JSON.stringify({ out: given.out, files: Object.keys(files) }));
      else context.print(nextSteps(given.out));
    });
}

function filesOf(keys: NatsKeys, given: Given): Readonly<Record<string, string>> {
  return {
    'secrets.yaml': secretsOf(keys, given),
    'resolver.conf': keys.resolver,
    'services.creds': keys.servicesCreds,
    'signing.seed': keys.signingSeed,
    account: `${keys.account}\n`,
    'operator.seed': keys.offline.operatorSeed,
    'system.seed': keys.offline.systemSeed,
    'account.seed': keys.offline.accountSeed,
  };
}

/** Three Secrets, so that each pod mounts only its own: for the server, for every service, and for the planner. */
function secretsOf(keys: NatsKeys, { namespace, prefix }: Given): string {
  const contents = {
    resolver: { 'resolver.conf': keys.resolver },
    services: { 'services.creds': keys.servicesCreds },
    signing: { 'signing.seed': keys.signingSeed, account: keys.account },
  };
  return Object.entries(contents)
    .map(([part, stringData]) => {
      const name = `${prefix}-${part}`;
      const metadata = namespace === undefined ? { name } : { name, namespace };
      const secret = { apiVersion: 'v1', kind: 'Secret', type: 'Opaque', metadata, stringData };
      return `---\n${stringify(secret, { version: '1.1', lineWidth: 0 })}`;
    })
    .join('');
}

/** Existing keys are never overwritten, because a server that lost its operator trusts none of its users. */
async function makeEmptyFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const [found] = await readdir(folder);
  if (found !== undefined) throw new FolderNotEmpty(folder, found);
}

function checkLabel(option: string, text: string): void {
  if (Dns1123Label.safeParse(text).success) return;
  throw new BadOption(option, `'${text}'`, 'must be a Kubernetes name: lower case letters, digits and -');
}

const nextSteps = (out: string): string =>
  [
    `Keys are in ${out}. Next:`,
    `  kubectl apply -f ${join(out, 'secrets.yaml')}`,
    'Then keep operator.seed, system.seed and account.seed out of reach of every service: only they can revoke a key.',
    'Delete secrets.yaml, services.creds and signing.seed once they are in the cluster.',
  ].join('\n');
