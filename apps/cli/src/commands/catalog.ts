import { MappingSpec, PlanSpec, ProviderSpec } from '@ledgerlift/contracts';
import type { Command } from 'commander';
import { readDefinitions } from '../definition-file.js';
import { conditionLines } from '../terminal/conditions.js';
import { bytes } from '../terminal/quantities.js';
import { table } from '../terminal/table.js';
import { type CommandsContext, show } from './context.js';

/** `provider`, `inventory`, `mapping` and `plan`: what a migration is made of. */
export function catalogCommands(program: Command, context: CommandsContext): void {
  providerCommands(program.command('provider').description('sources and targets'), context);
  inventoryCommand(program, context);
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

function planCommands(plan: Command, context: CommandsContext): void {
  plan
    .command('create')
    .description('create the plans of a YAML file')
    .requiredOption('-f, --file <file>', 'the YAML file; several documents are parted by ---')
    .action(async ({ file }: { file: string }) => {
      for (const body of await readDefinitions(file, PlanSpec)) {
        const view = await context.api().call('plans.create', { body });
        show(context, view, ({ id, spec }) => `created plan ${spec.name} (${id})`);
      }
    });
  plan
    .command('list')
    .description('list the plans')
    .action(async () => {
      show(context, await context.api().all('plans.list'), (items) =>
        table(
          items.map(({ id, spec, status, progressPercent }) => ({
            name: spec.name,
            status,
            vms: String(spec.vms.length),
            progress: progressPercent === undefined ? '' : `${progressPercent} %`,
            id,
          })),
          ['name', 'status', 'vms', 'progress', 'id'],
        ),
      );
    });
  plan
    .command('validate')
    .argument('<plan>', 'name or id')
    .description('say what stands in the way of a plan')
    .action(async (name: string) => {
      const validation = await context.api().call('plans.validate', { params: { plan: name } });
      show(context, validation, ({ ready, conditions }) =>
        [...conditionLines(conditions), ready ? 'the plan is ready' : 'the plan cannot start'].join('\n'),
      );
      if (!validation.ready) process.exitCode = 1;
    });
  plan
    .command('archive')
    .argument('<plan>', 'name or id')
    .description('end a plan: it can be read, and what failed VMs kept for a retry is released')
    .action(async (name: string) => {
      const view = await context.api().call('plans.archive', { params: { plan: name } });
      show(context, view, ({ spec }) => `archived plan ${spec.name}`);
    });
  removal(plan, context, 'plans.delete', 'plan');
}

function removal(
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
