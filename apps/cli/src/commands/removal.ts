import type { Command } from 'commander';
import { type CommandsContext, show } from './context.js';

/** `delete` of a kind of thing, which is the same for each. */
export function removal(
  command: Command,
  context: CommandsContext,
  operation: 'providers.delete' | 'mappings.delete' | 'plans.delete',
  what: 'provider' | 'mapping' | 'plan',
): void {
  command
    .command('delete')
    .argument(`<${what}>`, 'name or id')
    .description(`delete a ${what}`)
    .action(async (name: string) => {
      await context.api().call(operation, { params: { [what]: name } });
      show(context, { deleted: name }, ({ deleted }) => `deleted ${what} ${deleted}`);
    });
}
