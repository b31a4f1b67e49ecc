import type { Command } from 'commander';
import { type MigrationView, ScheduleLimits, type VmView } from '@ledgerlift/contracts';
import { readDefinitions } from '../definition-file.js';
import { BadOption, RollbackNotConfirmed } from '../errors.js';
import { type CommandsContext, show } from './context.js';

type Verb = 'cancel' | 'retry' | 'pause' | 'resume';

/** Commands for running migrations: cancel, retry, pause, cutover and others. */
export function steerCommands(program: Command, context: CommandsContext): void {
  verbCommand(program, context, 'cancel', 'cancel a plan, a migration, or one VM of it');
  verbCommand(
    program,
    context,
    'retry',
    'retry the failed VMs of a plan, or one VM, each from its failed step',
  );
  verbCommand(program, context, 'pause', 'pause the VMs of a plan, or one VM, at the next safe point');
  verbCommand(program, context, 'resume', 'resume a paused plan or VM');
  nextWaveCommand(program, context);
  cutoverCommand(program, context);
  withdrawCutoverCommand(program, context);
  approveCommand(program, context);
  vmCommands(program, context);
  limitsCommands(program, context);
}

/** cancel, retry, pause and resume differ only in their verb. */
function verbCommand(program: Command, context: CommandsContext, verb: Verb, description: string): void {
  reasoned(program.command(verb).argument('<what>', whatOf(verb)).description(description)).action(
    async (what: string, { reason }: { reason?: string }) => {
      const body = bodyOf(reason);
      const { migration, vm } = targetOf(what);
      const api = context.api();
      if (vm !== undefined) {
        tellVm(context, await api.call(`vms.${verb}`, { params: { migration, vm }, body }), verb);
        return;
      }
      const isMigration = verb === 'cancel' && isId(what) && (await isMigrationId(context, what));
      const view = isMigration
        ? await api.call('migrations.cancel', { params: { migration: what }, body })
        : await api.call(`plans.${verb}`, { params: { plan: what }, body });
      tellMigration(context, view, verb, what);
    },
  );
}

function nextWaveCommand(program: Command, context: CommandsContext): void {
  reasoned(
    program.command('next-wave').argument('<plan>', 'name or id').description("start a plan's next wave"),
  ).action(async (plan: string, { reason }: { reason?: string }) => {
    const view = await context.api().call('plans.next-wave', { params: { plan }, body: bodyOf(reason) });
    show(context, view, ({ wave, waves }) => `wave ${wave} of ${waves.length} has begun`);
  });
}

function cutoverCommand(program: Command, context: CommandsContext): void {
  reasoned(
    program
      .command('cutover')
      .argument('<what>', whatOf('cutover'))
      .description('cut over the warm VMs of a plan, or one VM, now or at a given time')
      .option('--at <time>', 'time of the cutover, such as 2026-12-01T22:00:00Z'),
  ).action(async (what: string, { at, reason }: { at?: string; reason?: string }) => {
    const body = { ...bodyOf(reason), ...(at === undefined ? {} : { at: timeOf(at) }) };
    const { migration, vm } = targetOf(what);
    if (vm === undefined) {
      const view = await context.api().call('plans.cutover', { params: { plan: what }, body });
      tellMigration(context, view, 'cutover', what);
      return;
    }
    const view = await context.api().call('vms.cutover', { params: { migration, vm }, body });
    show(context, view, ({ targetName, warm }) => {
      const seconds = Math.round((warm?.forecast.downtimeMs ?? 0) / 1000);
      return `cutover of ${targetName} at ${warm?.cutoverAt ?? ''}; expected downtime ${seconds} s`;
    });
  });
}

function withdrawCutoverCommand(program: Command, context: CommandsContext): void {
  reasoned(
    program
      .command('withdraw-cutover')
      .argument('<what>', whatOf('withdraw-cutover'))
      .description('withdraw a scheduled cutover that has not begun; copy rounds continue'),
  ).action(async (what: string, { reason }: { reason?: string }) => {
    const body = bodyOf(reason);
    const { migration, vm } = targetOf(what);
    if (vm === undefined) {
      const view = await context.api().call('plans.withdraw-cutover', { params: { plan: what }, body });
      tellMigration(context, view, 'withdrawal of the cutover', what);
      return;
    }
    const view = await context.api().call('vms.withdraw-cutover', { params: { migration, vm }, body });
    tellVm(context, view, 'withdrawal of the cutover');
  });
}

function approveCommand(program: Command, context: CommandsContext): void {
  reasoned(
    program
      .command('approve')
      .argument('<start|cutover>', 'what to approve, requested by another person')
      .argument('<what>', 'name or id of a plan; MIGRATION/N for the cutover of one VM')
      .description('approve a start or a cutover as the second person')
      .option('--at <time>', 'the scheduled time of the cutover, as `status` shows it'),
  ).action(async (subject: string, what: string, { at, reason }: { at?: string; reason?: string }) => {
    if (subject !== 'start' && subject !== 'cutover')
      throw new BadOption('<start|cutover>', subject, 'must be start or cutover');
    const { migration, vm } = targetOf(what);
    const body = { ...bodyOf(reason), ...(at === undefined ? {} : { cutoverAt: timeOf(at) }) };
    if (vm === undefined) {
      const view = await context
        .api()
        .call('plans.approve', { params: { plan: what }, body: { ...body, what: subject } });
      tellMigration(context, view, `approval of the ${subject}`, what);
      return;
    }
    tellVm(context, await context.api().call('vms.approve', { params: { migration, vm }, body }), 'approval');
  });
}

function vmCommands(program: Command, context: CommandsContext): void {
  reasoned(
    program
      .command('test-boot')
      .argument('<vm>', 'MIGRATION/N')
      .description('boot the latest state of a warm VM in isolation, then discard it'),
  ).action(async (what: string, { reason }: { reason?: string }) => {
    const params = vmOf(what);
    tellVm(context, await context.api().call('vms.test-boot', { params, body: bodyOf(reason) }), 'test boot');
  });
  reasoned(
    program
      .command('rollback')
      .argument('<vm>', 'MIGRATION/N')
      .description('stop the target and start the source again')
      .option('--lose-writes', 'confirm that all writes at the target since the cutover are lost'),
  ).action(async (what: string, options: { reason?: string; loseWrites?: true }) => {
    const params = vmOf(what);
    if (options.loseWrites !== true) throw new RollbackNotConfirmed(what);
    const body = bodyOf(options.reason);
    tellVm(context, await context.api().call('vms.rollback', { params, body }), 'rollback');
  });
  cleanUpCommands(program, context);
  program
    .command('answer-hook')
    .argument('<vm>', 'MIGRATION/N')
    .argument('<hook>', 'name of the hook')
    .description('answer a hook that waits for an event')
    .option('--failed', 'report a failure of the hook')
    .option('--said <text>', 'text for the history', '')
    .action(async (what: string, hook: string, { failed, said }: { failed?: true; said: string }) => {
      const body = { hook, succeeded: failed !== true, said };
      const view = await context.api().call('vms.answer-hook', { params: vmOf(what), body });
      tellVm(context, view, `an answer to ${hook}`);
    });
}

/** Removes resources after the end of a VM's migration; no other command deletes a target that was allowed to start. */
function cleanUpCommands(program: Command, context: CommandsContext): void {
  reasoned(
    program
      .command('clean-up')
      .argument('<vm>', 'MIGRATION/N')
      .description("retry the removals that failed in a VM's clean-up"),
  ).action(async (what: string, { reason }: { reason?: string }) => {
    const view = await context.api().call('vms.clean-up', { params: vmOf(what), body: bodyOf(reason) });
    show(context, view, ({ targetName, state, kept }) =>
      state === 'cleaning'
        ? `removing the remaining resources of ${targetName}`
        : `no resource of ${targetName} is left to remove; ${kept.length} are kept`,
    );
  });
  reasoned(
    program
      .command('delete-target')
      .argument('<vm>', 'MIGRATION/N')
      .description('delete a target that was allowed to start; cancel, archive and delete keep it')
      .requiredOption('--target <name>', 'the name of the VM at the target'),
  ).action(async (what: string, { target, reason }: { target: string; reason?: string }) => {
    const body = { ...bodyOf(reason), targetName: target };
    const view = await context.api().call('vms.delete-target', { params: vmOf(what), body });
    tellVm(context, view, 'deletion of the target');
  });
}

function limitsCommands(program: Command, context: CommandsContext): void {
  program
    .command('limits')
    .description('show the limits over all plans; with a file, set them')
    .argument('[file]', 'YAML or JSON')
    .action(async (file: string | undefined) => {
      const api = context.api();
      const limits =
        file === undefined
          ? await api.call('schedule.get', {})
          : await api.call('schedule.set', { body: (await readDefinitions(file, ScheduleLimits))[0] });
      show(context, limits, (value) => JSON.stringify(value, undefined, 2));
    });
}

const whatOf = (verb: string): string =>
  `name or id of a plan${verb === 'cancel' ? ', or id of a migration' : ''}; MIGRATION/N for one VM`;
const reasoned = (command: Command): Command =>
  command.option('--reason <text>', 'the reason, for the history');
const bodyOf = (reason: string | undefined): { reason?: string } => (reason === undefined ? {} : { reason });

/** `MIGRATION/N` is a VM; anything else a plan or a migration. */
function targetOf(what: string): { readonly migration: string; readonly vm: string | undefined } {
  const [migration = '', vm] = what.split('/');
  return { migration, vm };
}

/** @throws BadOption */
function vmOf(what: string): { readonly migration: string; readonly vm: string } {
  const { migration, vm } = targetOf(what);
  if (vm === undefined)
    throw new BadOption('<vm>', what, 'must be MIGRATION/N; `ledgerlift status MIGRATION` lists the VMs');
  return { migration, vm };
}

/** @throws BadOption */
function timeOf(text: string): string {
  const time = Date.parse(text);
  if (Number.isNaN(time)) throw new BadOption('--at', text, 'must be a time such as 2026-12-01T22:00:00Z');
  return new Date(time).toISOString();
}

const isId = (what: string): boolean => /^[0-9a-f]{8}-[0-9a-f-]{27}$/.test(what);

async function isMigrationId(context: CommandsContext, id: string): Promise<boolean> {
  const migrations = await context.api().all('migrations.list');
  return migrations.some((migration) => migration.id === id);
}

const tellVm = (context: CommandsContext, view: VmView, what: string): void =>
  show(context, view, ({ targetName, state }) => `${what} requested for VM ${targetName} (${state})`);
const tellMigration = (context: CommandsContext, view: MigrationView, what: string, of: string): void =>
  show(context, view, () => `${what} requested for ${of}`);
