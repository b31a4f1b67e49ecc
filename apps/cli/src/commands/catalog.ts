import { MappingSpec, ProviderSpec } from '@ledgerlift/contracts';
import type { Command } from 'commander';
import { readDefinitions } from '../definition-file.js';
import { bytes, table } from '../terminal/table.js';
import { type CommandsContext, show } from './context.js';
import { lookCommands } from './look.js';
import { planCommands } from './plan.js';
import { removal } from './down.js';

/** `provider`, `inventory`, `look`, `mapping` and `plan`: the inputs of a migration. */
export function catalogCommands(program: Command, context: CommandsContext): void {
  providerCommands(program.command('provider').description('sources and targets'), context);
  inventoryCommand(program, context);
  lookCommands(
    program.command('look').description('search or browse a source without fetching its whole inventory'),
    context,
  );
  mappingCommands(
    program.command('mapping').description('mappings of networks and storages from source to target'),
    context,
  );
  planCommands(program.command('plan').description('plans: which VMs to migrate, and how'), context);
}

function providerCommands(provider: Command, context: CommandsContext): void {
  provider
    .command('create')
    .description('create the providers in a YAML file')
    .requiredOption(
      '-f, --file <file>',
      'the YAML file, or - for the standard input; separate documents with ---',
    )
    .action(async ({ file }: { file: string }) => {
      for (const body of await readDefinitions(file, ProviderSpec)) {
        const view = await context.api().call('providers.create', { body });
        show(context, view, ({ id, spec }) => `created provider ${spec.name} (${spec.type}, ${id})`);
      }
    });
  provider
    .command('list')
    .description('list the providers')
    .action(async () => {
      show(context, await context.api().all('providers.list'), (items) =>
        table(
          items.map(({ id, spec, inventory }) => ({
            name: spec.name,
            type: spec.type,
            sites: spec.sites.join(','),
            vms: inventory === undefined ? '' : String(inventory.vms),
            id,
          })),
          ['name', 'type', 'sites', 'vms', 'id'],
        ),
      );
    });
  removal(provider, context, 'providers.delete', 'provider');
}

function inventoryCommand(program: Command, context: CommandsContext): void {
  program
    .command('inventory')
    .argument('<provider>', 'name or id of a source')
    .description('list the VMs of a source, and problems in it')
    .option('--refresh', 'read the source again')
    .action(async (provider: string, { refresh }: { refresh?: true }) => {
      const name = refresh === true ? 'providers.refresh' : 'providers.inventory';
      const inventory = await context.api().call(name, { params: { provider } });
      show(context, inventory, ({ vms, problems }) =>
        [
          table(
            vms.map((vm) => ({
              name: vm.name,
              os: vm.os.description,
              cpus: String(vm.cpu.count),
              memory: bytes(vm.memory.bytes),
              disks: vm.disks.map(({ capacityBytes }) => bytes(capacityBytes)).join(' + '),
              networks: vm.nics.map(({ network }) => network).join(', '),
              concerns: vm.concerns.map(({ category, id }) => `${category}: ${id}`).join(', '),
            })),
            ['name', 'os', 'cpus', 'memory', 'disks', 'networks', 'concerns'],
          ),
          ...problems.map(({ item, code, message }) => `! ${item}: ${code} ${message}`),
        ].join('\n'),
      );
    });
}

function mappingCommands(mapping: Command, context: CommandsContext): void {
  mapping
    .command('create')
    .description('create the mappings in a YAML file')
    .requiredOption(
      '-f, --file <file>',
      'the YAML file, or - for the standard input; separate documents with ---',
    )
    .action(async ({ file }: { file: string }) => {
      for (const body of await readDefinitions(file, MappingSpec)) {
        const view = await context.api().call('mappings.create', { body });
        show(context, view, ({ id, spec }) => `created ${spec.kind} mapping ${spec.name} (${id})`);
      }
    });
  mapping
    .command('list')
    .description('list the mappings')
    .action(async () => {
      show(context, await context.api().all('mappings.list'), (items) =>
        table(
          items.map(({ id, spec }) => ({
            name: spec.name,
            kind: spec.kind,
            pairs: String(spec.pairs.length),
            id,
          })),
          ['name', 'kind', 'pairs', 'id'],
        ),
      );
    });
  removal(mapping, context, 'mappings.delete', 'mapping');
}
