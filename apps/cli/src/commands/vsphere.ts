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
    .option('--esxi', 'for a single ESXi host without a vCenter, which asks for more', false)
    .addOption(
      new Option('--format <format>', 'whose language it is in')
        .choices(roleFormats)
        .default('govc' as const),
    )
    .action(
      (options: {
        readonly for: string;
        readonly name: string;
        readonly esxi: boolean;
        readonly format: (typeof roleFormats)[number];
      }) => {
        const { name } = options;
        if (!/^[\w .-]{1,80}$/.test(name))
          throw new BadOption('--name', name, 'must be letters, digits, spaces, dots, - and _, at most 80');
        const format = context.json() ? 'json' : options.format;
        const at = options.esxi ? 'esxi' : 'vcenter';
        context.print(roleText({ name, kinds: kindsOf(options.for), format, at }));
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
