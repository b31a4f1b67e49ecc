import { readFile } from 'node:fs/promises';
import { PlanSpec } from '@ledgerlift/contracts';
import type { Command } from 'commander';
import { readDefinitions } from '../definition-file.js';
import { BadOption } from '../errors.js';
import { conditionLines } from '../terminal/pipeline.js';
import { sideBySide, table } from '../terminal/table.js';
import { type CommandsContext, show } from './context.js';
import { removal } from './down.js';
import { rehearseCommand } from './rehearse.js';

/** `plan`: create, list, validate, select, rehearse and render plans. */
export function planCommands(plan: Command, context: CommandsContext): void {
  plan
    .command('create')
    .description('create the plans in a YAML file')
    .requiredOption(
      '-f, --file <file>',
      'the YAML file, or - for the standard input; separate documents with ---',
    )
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
            // Only the source knows how many VMs the selectors match.
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
    .description('check a plan and list its conditions; exit code 1 if it cannot start')
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
    .description('end a plan: it becomes read-only, and resources kept for a retry are released')
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
    .description('list the VMs a plan selects, and the rule that selected each')
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
      'CSV with the columns vm, target_name, namespace, wave, priority, cutover_time; - for standard input',
    )
    .description("replace a plan's list of VMs with a CSV file; on any error, change nothing")
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
    .option('--meant', 'every VM that the plan selects now, including by its selectors')
    .action(async (name: string, { meant }: { meant?: true }) => {
      const query = { of: meant === true ? 'meant' : 'vms' };
      const answer = await context.api().call('plans.export-vms', { params: { plan: name }, query });
      show(context, answer, ({ csv }) => csv.trimEnd());
    });
}

interface RenderOptions {
  readonly vm?: string;
  readonly file?: string;
  readonly table?: boolean;
}

/** `plan render`: shows the manifests that a migration would create. */
export function renderCommand(plan: Command, context: CommandsContext): void {
  plan
    .command('render')
    .argument('<plan>', 'name or id')
    .description('print the manifests that a plan would create; nothing is created')
    .option('--vm <vm>', 'only this VM, by its name or id at the source')
    .option('--table', 'compare each VM at source and target in one row instead of printing manifests')
    .option('--file <name>', 'only files whose names end with this, such as vm.yaml')
    .action(async (name: string, { vm, file = '', table: asTable }: RenderOptions) => {
      const query = vm === undefined ? {} : { vm };
      const all = await context.api().all('plans.render', { params: { plan: name }, query });
      const vms = all.map((each) => ({ ...each, files: each.files.filter((of) => of.name.endsWith(file)) }));
      const missing = vms.filter((each) => each.missing !== undefined);
      show(context, vms, (rendered) =>
        asTable === true
          ? sideBySide(rendered)
          : rendered
              .flatMap(({ files }) => files.map(({ name: of, content }) => document(of, content)))
              .join(''),
      );
      // On standard error, because the manifests may be piped into kubectl.
      for (const { name: of, missing: why } of missing) context.warn(`${of}: ${why}`);
      if (missing.length > 0) process.exitCode = 1;
    });
}

/** Makes a YAML file one document of a stream; other files stay unchanged. */
function document(name: string, content: string): string {
  if (!name.endsWith('.yaml')) return content;
  return `---\n${content}`;
}
