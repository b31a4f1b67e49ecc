import type { Command } from 'commander';
import { sideBySide } from '../terminal/side-by-side.js';
import { type CommandsContext, show } from './context.js';

interface RenderOptions {
  readonly vm?: string;
  readonly file?: string;
  readonly table?: boolean;
}

/** `plan render`: what a migration would make at the target, before it does. */
export function renderCommand(plan: Command, context: CommandsContext): void {
  plan
    .command('render')
    .argument('<plan>', 'name or id')
    .description("print the manifests of a plan's VMs as its target would have them; nothing is made")
    .option('--vm <vm>', 'only this VM: its name or id at the source')
    .option('--table', 'one row for each VM in place of its manifests: what it is, and what it becomes')
    .option('--file <name>', 'only files whose name ends like this, such as vm.yaml')
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
      // Beside the manifests, not among them: they may be piped into kubectl.
      for (const { name: of, missing: why } of missing) context.warn(`${of}: ${why}`);
      if (missing.length > 0) process.exitCode = 1;
    });
}

/** One document of a YAML stream; what is no YAML stays as it is. */
function document(name: string, content: string): string {
  if (!name.endsWith('.yaml')) return content;
  return `---\n${content}`;
}
