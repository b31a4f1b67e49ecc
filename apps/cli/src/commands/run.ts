import type { Command } from 'commander';
import type { MigrationView, VmView } from '@ledgerlift/contracts';
import { LedgerliftError } from '@ledgerlift/contracts';
import { changedLines, conditionLines, hookLines, pipelineLines } from '../terminal/pipeline.js';
import { table } from '../terminal/table.js';
import { type CommandsContext, show } from './context.js';

const POLL_MS = 500;
/** More do not fit on a screen; the rest are only counted. */
const MOST_SHOWN = 8;

/** `start` and `status`: running plans. */
export function runCommands(program: Command, context: CommandsContext): void {
  program
    .command('start')
    .argument('<plan>', 'name or id')
    .description('start a plan')
    .option('--watch', 'show progress until the end; exit code 1 unless every VM succeeded')
    .action(async (plan: string, { watch: isWatched }: { watch?: true }) => {
      const migration = await context.api().call('plans.start', { params: { plan } });
      show(context, migration, ({ id, planName }) => `started migration ${id} of plan ${planName}`);
      if (isWatched === true) await watch(context, migration.id);
    });
  program
    .command('status')
    .argument('[what]', 'id of a migration, or MIGRATION/N for one of its VMs; default: all migrations')
    .description("show migrations, the VMs and the plan's hooks of one, or the steps of one VM or hook")
    .option('--watch', 'show progress until the end')
    .action(async (what: string | undefined, { watch: isWatched }: { watch?: true }) => {
      if (what === undefined) return listMigrations(context);
      const [migration = '', vm] = what.split('/');
      if (vm !== undefined) return showVm(context, migration, vm);
      return isWatched === true ? watch(context, migration) : showMigration(context, migration);
    });
}

async function showMigration(context: CommandsContext, migration: string): Promise<void> {
  const view = await context.api().call('migrations.get', { params: { migration } });
  const vms = await context.api().all('vms.list', { params: { migration } });
  show(context, { ...view, vms }, () => {
    const rows = vms.map((vm) => ({
      vm: String(vm.index),
      name: vm.targetName,
      state: vm.state,
      step: vm.step ?? '',
      progress: `${vm.progressPercent} %`,
      waits: vm.waitingFor ?? vm.error?.message ?? '',
    }));
    const hooks = hookLines(view);
    const list = table(rows, ['vm', 'name', 'state', 'step', 'progress', 'waits']);
    return hooks === '' ? list : `${list}\n\n${hooks}`;
  });
}

async function showVm(context: CommandsContext, migration: string, vm: string): Promise<void> {
  const view = await context.api().call('vms.get', { params: { migration, vm } });
  show(context, view, () => pipelineLines(view, Date.now()).join('\n'));
}

async function listMigrations(context: CommandsContext): Promise<void> {
  show(context, await context.api().all('migrations.list'), (items) =>
    table(
      items.map(({ id, planName, status, progressPercent, startedAt }) => ({
        id,
        plan: planName,
        status,
        progress: `${progressPercent} %`,
        started: startedAt,
      })),
      ['id', 'plan', 'status', 'progress', 'started'],
    ),
  );
}

/** Follows a migration to its end: redraws on a terminal, prints plain lines elsewhere. */
async function watch(context: CommandsContext, migration: string): Promise<void> {
  const isLive = process.stdout.isTTY && !context.json();
  const seen = new Map<number, VmView>();
  let drawn = 0;
  for (;;) {
    const view = await context.api().call('migrations.get', { params: { migration } });
    const summaries = await context.api().all('vms.list', { params: { migration } });
    const shown = summaries
      .toSorted((a, b) => rank(a.state) - rank(b.state) || a.index - b.index)
      .slice(0, isLive ? MOST_SHOWN : summaries.length);
    const vms = await Promise.all(
      shown.map(({ index }) => context.api().call('vms.get', { params: { migration, vm: index } })),
    );
    if (isLive) drawn = redraw(vms, summaries.length, drawn);
    else {
      for (const vm of vms) {
        const lines = changedLines(seen.get(vm.index), vm);
        seen.set(vm.index, vm);
        for (const line of lines) show(context, { vm: vm.index, line }, () => line);
      }
    }
    if (view.completedAt !== undefined) return conclude(context, view, vms);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** Sorts running VMs first, then waiting ones, then ended ones. */
const rank = (state: VmView['state']): number =>
  state === 'running' || state === 'cleaning' || state === 'held'
    ? 0
    : state === 'planned' || state === 'waiting' || state === 'paused'
      ? 1
      : 2;

function redraw(vms: readonly VmView[], total: number, drawn: number): number {
  const width = process.stdout.columns || 120;
  const rest = total > vms.length ? [`… and ${total - vms.length} more VMs`] : [];
  const lines = [...vms.flatMap((vm) => pipelineLines(vm, Date.now())), ...rest].map((line) =>
    line.slice(0, width - 1),
  );
  process.stdout.write(`${drawn > 0 ? `\x1b[${drawn}A` : ''}\x1b[0J${lines.join('\n')}\n`);
  return lines.length;
}

/** Not every VM succeeded. Makes the exit code 1. */
class MigrationNotSucceeded extends LedgerliftError {
  readonly code = 'LL-CLI-006';
  constructor({ id, counts }: MigrationView) {
    super(
      `of ${counts.total} VMs ${counts.succeeded} succeeded, ${counts.failed} failed and ${counts.canceled} were canceled; ` +
        `'ledgerlift events ${id}/N' shows what happened, 'ledgerlift retry' continues`,
    );
  }
}

function conclude(context: CommandsContext, view: MigrationView, vms: readonly VmView[]): void {
  for (const vm of vms) {
    const facts = { vm: vm.index, conditions: vm.conditions, target: vm.target, bootProof: vm.bootProof };
    show(context, facts, () =>
      [
        `${vm.targetName}: ${vm.target.where}/${vm.target.folder}`,
        ...conditionLines(vm.conditions).map((line) => `  ${line}`),
      ].join('\n'),
    );
  }
  if (view.status !== 'succeeded') throw new MigrationNotSucceeded(view);
}
