import type { Command } from 'commander';
import type { CommandsContext } from './context.js';

/** `events` and `log`: the history and logs of a VM. */
export function eventCommands(program: Command, context: CommandsContext): void {
  program
    .command('events')
    .argument('<vm>', 'MIGRATION/N, or MIGRATION for its first VM')
    .description("a VM's history, oldest first: what happened, when, and who did it")
    .action(async (vm: string) => {
      const entries = await context.api().all('vms.history', { params: vmOf(vm) });
      for (const entry of entries) {
        if (context.json()) context.print(JSON.stringify(entry));
        else
          context.print(
            `${entry.time.slice(0, 19).replace('T', ' ')}  ${entry.actor.kind.padEnd(7)}  ${entry.summary}`,
          );
      }
    });
  program
    .command('log')
    .argument('<vm>', 'MIGRATION/N, or MIGRATION for its first VM')
    .description("a VM's conversion log")
    .option('--name <log>', 'name of another log')
    .action(async (vm: string, { name }: { name?: string }) => {
      context.print(await context.api().text('vms.log', { params: vmOf(vm), query: { name } }));
    });
}

function vmOf(text: string): { readonly migration: string; readonly vm: string } {
  const [migration = '', vm = '0'] = text.split('/');
  return { migration, vm };
}
