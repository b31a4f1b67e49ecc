import { MappingSpec, ProviderSpec } from '@ledgerlift/contracts';
import type { Command } from 'commander';
import { readDefinitions } from '../definition-file.js';
import { bytes } from '../terminal/quantities.js';
import { table } from '../terminal/table.js';
import { type CommandsContext, show } from './context.js';
import { lookCommands } from './look.js';
import { planCommands } from './plan.js';
import { removal } from './removal.js';

/** `provider`, `inventory`, `mapping` and `plan`: what a migration is made of. */
export function catalogCommands(program: Command, context: CommandsContext): void {
  providerCommands(program.command('provider').description('sources and targets'), context);
  inventoryCommand(program, context);
  lookCommands(program.command('look').description('into a source, without fetching all of it'), context);
  mappingCommands(program.command('mapping').description('which network and storage becomes which'), context);
  planCommands(program.command('plan').description('which VMs are to be migrated, and how'), context);
}

function providerCommands(provider: Command, context: CommandsContext): void {
  provider
    .command('create')
    .description('create the providers of a YAML file')
    .requiredOption('-f, --file <file>', 'the YAML file; several documents are parted by ---')
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
    .description('show what a source holds, and what of it cannot be used')
    .option('--refresh', 'read it anew')
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
    .description('create the mappings of a YAML file')
    .requiredOption('-f, --file <file>', 'the YAML file; several documents are parted by ---')
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
