import { type RoleKind, roleFormats, roleKinds, roleText } from '@ledgerlift/providers';
import { type Command, Option } from 'commander';
import { BadOption } from '../errors.js';
import type { CommandsContext } from './context.js';

/** `vsphere`: what a vSphere source is to be prepared with. */
export function vsphereCommands(program: Command, context: CommandsContext): void {
  program
    .command('vsphere')
    .description('prepare a vSphere source')
    .command('role')
    .description('print a role with exactly the privileges that migrations need; nothing is sent to a server')
    .option('--for <kinds>', `with commas between: ${Object.keys(roleKinds).join(', ')}`, 'cold,warm')
    .option('--name <name>', 'of the role', 'ledgerlift')
    .addOption(
      new Option('--format <format>', 'whose language it is in')
        .choices(roleFormats)
        .default('govc' as const),
    )
    .action(
      (options: {
        readonly for: string;
        readonly name: string;
        readonly format: (typeof roleFormats)[number];
      }) => {
        const { name } = options;
        if (!/^[\w .-]{1,80}$/.test(name))
          throw new BadOption('--name', name, 'must be letters, digits, spaces, dots, - and _, at most 80');
        const format = context.json() ? 'json' : options.format;
        context.print(roleText({ name, kinds: kindsOf(options.for), format }));
      },
    );
}

function kindsOf(list: string): readonly RoleKind[] {
  const kinds = list.split(',').map((kind) => kind.trim());
  const isKind = (kind: string): kind is RoleKind => Object.hasOwn(roleKinds, kind);
  const unknown = kinds.find((kind) => !isKind(kind));
  if (unknown !== undefined)
    throw new BadOption('--for', `'${unknown}'`, `must be of ${Object.keys(roleKinds).join(', ')}`);
  return kinds.filter(isKind);
}
