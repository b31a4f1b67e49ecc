import { Dns1123Label } from '@ledgerlift/contracts';
import { type SourceRole, sourceProviders } from '@ledgerlift/providers';
import { type TargetRole, targetRoles } from '@ledgerlift/targets';
import { type Command, Option } from 'commander';
import { BadOption } from '../errors.js';
import type { CommandsContext } from './context.js';

/** `TYPE role`, for each type of source or target whose user needs a role. */
export function roleCommands(program: Command, context: CommandsContext): void {
  for (const { type, role } of sourceProviders())
    if (role !== undefined) roleCommand(program, context, type, role);
  for (const { type, role } of targetRoles()) targetRoleCommand(program, context, type, role);
}

function targetRoleCommand(
  program: Command,
  context: CommandsContext,
  type: string,
  { target, manifest }: TargetRole,
): void {
  program
    .command(type)
    .description(`prepare a ${target} as a target`)
    .command('role')
    .description('print roles with exactly the rights that migrations need; nothing is sent to a server')
    .requiredOption('--namespaces <names>', 'the namespaces for migrated VMs, separated by commas')
    .option('--account <namespace/name>', 'the service account that gets the roles', 'ledgerlift/ledgerlift')
    .action(({ namespaces: list, account }: { namespaces: string; account: string }) => {
      const namespaces = list.split(',').map((each) => label('--namespaces', each.trim()));
      const [namespace = '', name = '', ...more] = account.split('/');
      if (more.length > 0) throw new BadOption('--account', account, 'must be NAMESPACE/NAME');
      const of = { namespace: label('--account', namespace), name: label('--account', name) };
      context.print(manifest({ account: of, namespaces }).trimEnd());
    });
}

function label(option: string, text: string): string {
  if (Dns1123Label.safeParse(text).success) return text;
  throw new BadOption(option, `'${text}'`, 'must be Kubernetes names: lower case letters, digits and -');
}

function roleCommand(program: Command, context: CommandsContext, type: string, role: SourceRole): void {
  const { variant } = role;
  const command = program
    .command(type)
    .description(`prepare a ${role.source} source`)
    .command('role')
    .description('print a role with exactly the privileges that migrations need; nothing is sent to a server')
    .option(
      '--for <kinds>',
      `kinds of migrations, separated by commas: ${role.kinds.join(', ')}`,
      role.usual.join(','),
    )
    .option('--name <name>', 'name of the role', 'ledgerlift');
  if (variant !== undefined) command.option(`--${variant.option}`, `for ${variant.for}`, false);
  command
    .addOption(
      new Option('--format <format>', 'output format').choices(role.formats).default(role.formats[0]),
    )
    .action((options: Readonly<Record<string, unknown>> & Given) => {
      const { name } = options;
      if (!/^[\w .-]{1,80}$/.test(name))
        throw new BadOption('--name', name, 'must be letters, digits, spaces, dots, - and _, at most 80');
      const format = context.json() ? 'json' : options.format;
      const isVariant = variant !== undefined && options[variant.option] === true;
      context.print(role.text({ name, kinds: kindsOf(options.for, role), format, isVariant }));
    });
}

interface Given {
  readonly for: string;
  readonly name: string;
  readonly format: string;
}

function kindsOf(list: string, { kinds: known }: SourceRole): readonly string[] {
  const kinds = list.split(',').map((kind) => kind.trim());
  const unknown = kinds.find((kind) => !known.includes(kind));
  if (unknown !== undefined)
    throw new BadOption('--for', `'${unknown}'`, `must be one of ${known.join(', ')}`);
  return kinds;
}
