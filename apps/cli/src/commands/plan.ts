import { readFile } from 'node:fs/promises';
import { PlanSpec } from '@ledgerlift/contracts';
import type { Command } from 'commander';
import { readDefinitions } from '../definition-file.js';
import { BadOption } from '../errors.js';
import { conditionLines } from '../terminal/conditions.js';
import { table } from '../terminal/table.js';
import { type CommandsContext, show } from './context.js';
import { rehearseCommand } from './rehearse.js';
import { renderCommand } from './render.js';
import { removal } from './removal.js';

/** `plan`: which VMs are to be migrated, and how. */
export function planCommands(plan: Command, context: CommandsContext): void {
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
            // What selectors mean is known only when the source is asked.
            vms: spec.select.length === 0 ? String(spec.vms.length) : `${spec.vms.length}+`,
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
  selectCommand(plan, context);
  csvCommands(plan, context);
  rehearseCommand(plan, context);
  renderCommand(plan, context);
}

function selectCommand(plan: Command, context: CommandsContext): void {
  plan
    .command('select')
    .argument('<plan>', 'name or id')
    .description('show which VMs a plan means now, and what of it means each')
    .action(async (name: string) => {
      const selection = await context.api().call('plans.select', { params: { plan: name } });
      show(context, selection, ({ vms, leftOut, conditions }) =>
        [
          table(
            vms.map((vm) => ({
              name: vm.name,
              folder: vm.folder ?? '',
              target: `${vm.targetNamespace}/${vm.targetName}`,
              wave: String(vm.wave),
              priority: String(vm.priority),
              by: vm.by.join(', '),
            })),
            ['name', 'folder', 'target', 'wave', 'priority', 'by'],
          ),
          ...(leftOut.length === 0 ? [] : [`left out: ${leftOut.map((vm) => vm.name).join(', ')}`]),
          ...conditionLines(conditions),
        ].join('\n'),
      );
    });
}

function csvCommands(plan: Command, context: CommandsContext): void {
  plan
    .command('import')
    .argument('<plan>', 'name or id')
    .argument(
      '<file>',
      'CSV with the columns vm, target_name, namespace, wave, priority, cutover_time; - for the input',
    )
    .description("replace a plan's list of VMs by that of a CSV file, or change nothing")
    .action(async (name: string, file: string) => {
      const csv = await readFile(file === '-' ? '/dev/stdin' : file, 'utf8').catch((error: unknown) => {
        const reason = error instanceof Error ? error.message : String(error);
        throw new BadOption('<file>', file, `cannot be read (${reason})`);
      });
      const view = await context.api().call('plans.import-vms', { params: { plan: name }, body: { csv } });
      show(context, view, ({ spec }) => `plan ${spec.name} now lists ${spec.vms.length} VMs`);
    });
  plan
    .command('export')
    .argument('<plan>', 'name or id')
    .description("write a plan's list of VMs as CSV")
    .option('--meant', 'every VM that the plan means now, those of its selectors too')
    .action(async (name: string, { meant }: { meant?: true }) => {
      const query = { of: meant === true ? 'meant' : 'vms' };
      const answer = await context.api().call('plans.export-vms', { params: { plan: name }, query });
      show(context, answer, ({ csv }) => csv.trimEnd());
    });
}
