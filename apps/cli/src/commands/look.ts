import type { TreeNode } from '@ledgerlift/contracts';
import type { Command } from 'commander';
import { BadOption } from '../errors.js';
import { table } from '../terminal/table.js';
import { type CommandsContext, show } from './context.js';

/** `look search` and `look tree`. */
export function lookCommands(program: Command, context: CommandsContext): void {
  program
    .command('search')
    .argument('<provider>', 'name or id of a source')
    .argument(
      '[criteria...]',
      'such as folder=/prod tag=gold name=web-* powerState=on concern=Critical attribute=owner=ann',
    )
    .description("find VMs of a source by the fields of a plan's selector")
    .action(async (provider: string, criteria: readonly string[]) => {
      const found = await context
        .api()
        .all('providers.vms', { params: { provider }, query: criteriaOf(criteria) });
      show(context, found, (vms) =>
        table(
          vms.map(({ path, id, powerState, host = '', tags = [] }) => ({
            path,
            id,
            power: powerState,
            host,
            tags: tags.join(', '),
          })),
          ['path', 'id', 'power', 'host', 'tags'],
        ),
      );
    });
  program
    .command('tree')
    .argument('<provider>', 'name or id of a source')
    .option('--by <what>', '`folder` or `host`', 'folder')
    .option('--path <path>', 'the root of the tree', '/')
    .option('--depth <levels>', 'number of levels below it', '2')
    .description('show the VMs of a source as a tree')
    .action(async (provider: string, query: Record<string, string>) => {
      const tree = await context.api().call('providers.tree', { params: { provider }, query });
      show(context, tree, (node) => branchLines(node).join('\n'));
    });
}

/** @throws BadOption if one is not `name=value` */
function criteriaOf(criteria: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    criteria.map((each) => {
      const at = each.indexOf('=');
      if (at < 1) throw new BadOption('criteria', each, 'give each as name=value, such as tag=gold');
      return [each.slice(0, at), each.slice(at + 1)];
    }),
  );
}

function branchLines(node: TreeNode, indent = ''): readonly string[] {
  const label = node.kind === 'vm' ? `${node.name} (${node.id ?? ''})` : `${node.name}/ ${node.vms} VMs`;
  const below = (node.children ?? []).flatMap((child) => branchLines(child, `${indent}  `));
  return [`${indent}${label}`, ...below, ...(node.more > 0 ? [`${indent}  … and ${node.more} more`] : [])];
}
