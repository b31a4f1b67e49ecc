import type { HandlersOf } from '../edge/dispatcher.js';
import { migrationView } from '../views/migration.js';
import { approveCutoverCommand, cutoverCommand } from './cutover-command.js';
import { pageFrom } from '../views/catalog.js';
import { planView } from '../views/plan.js';

const WITHOUT_REASON = 'asked for over the API';

export const planHandlers: HandlersOf<'plans'> = {
  'plans.create': async ({ catalog, commands, plans, runs }, { body }, call) => {
    const before = call.createdBefore('plan');
    const entry =
      before === undefined ? await commands.createPlan(body, call.context) : catalog.createdPlan(before);
    call.did(`plan-${entry.id}`);
    return planView(entry, plans.lastValidation(entry), runs.migrations());
  },
  'plans.list': ({ catalog, plans, runs }, { query }) => {
    const migrations = runs.migrations();
    return pageFrom(catalog.plans(), query, (entry) =>
      planView(entry, plans.lastValidation(entry), migrations),
    );
  },
  'plans.get': ({ catalog, plans, runs }, { params }) => {
    const entry = catalog.plan(params.plan);
    return planView(entry, plans.lastValidation(entry), runs.migrations());
  },
  'plans.update': async ({ commands, plans, runs }, { params, body }, call) => {
    const entry = await commands.updatePlan(params.plan, body, call.context);
    return planView(entry, plans.lastValidation(entry), runs.migrations());
  },
  'plans.validate': async ({ plans }, { params }) => {
    const { planId, at, conditions, isReady } = await plans.validate(params.plan);
    return { planId, validatedAt: at, ready: isReady, conditions: [...conditions] };
  },
  'plans.rehearse': ({ catalog, rehearser }, { params }) => rehearser.rehearse(catalog.plan(params.plan)),
  'plans.render': ({ catalog, manifests }, { params, query }) =>
    manifests.of(catalog.plan(params.plan), query),
  'plans.select': ({ planVms }, { params }) => planVms.select(params.plan),
  'plans.export-vms': ({ planVms }, { params, query }) => planVms.export(params.plan, query.of),
  'plans.import-vms': async ({ planVms, plans, runs }, { params, body }, call) => {
    const entry = await planVms.import(params.plan, body.csv, call.context);
    return planView(entry, plans.lastValidation(entry), runs.migrations());
  },
  'plans.start': async ({ plans }, { params }, call) => {
    const before = call.createdBefore('migration');
    const migrationId = before ?? (await plans.start(params.plan, call.context));
    call.did(`migration-${migrationId}`);
    return migrationView(plans.migration(migrationId));
  },
  'plans.cancel': async ({ plans }, { params, body }, call) => {
    const before = call.createdBefore('migration');
    const migrationId =
      before ?? (await plans.cancel(params.plan, body.reason ?? WITHOUT_REASON, call.context));
    call.did(`migration-${migrationId}`);
    return migrationView(plans.migration(migrationId));
  },
  'plans.retry': async ({ plans }, { params, body }, call) =>
    migrationView(await plans.retry(params.plan, body.reason ?? WITHOUT_REASON, call)),
  'plans.pause': async ({ plans }, { params, body }, call) =>
    migrationView(await plans.steer(params.plan, 'pause', body.reason ?? WITHOUT_REASON, call)),
  'plans.resume': async ({ plans }, { params, body }, call) =>
    migrationView(await plans.steer(params.plan, 'resume', body.reason ?? WITHOUT_REASON, call)),
  'plans.next-wave': async ({ plans }, { params, body }, call) =>
    migrationView(await plans.steer(params.plan, 'start the next wave', body.reason ?? WITHOUT_REASON, call)),
  'plans.cutover': async ({ plans }, { params, body }, call) =>
    migrationView(await plans.askAll(params.plan, cutoverCommand(body, call.context), call)),
  'plans.approve': async ({ plans }, { params, body: { what, reason, cutoverAt } }, call) =>
    migrationView(
      what === 'start'
        ? await plans.steer(params.plan, 'approve', reason ?? WITHOUT_REASON, call)
        : await plans.askAll(params.plan, approveCutoverCommand({ reason, cutoverAt }, call.context), call),
    ),
  'plans.withdraw-cutover': async ({ plans }, { params, body }, call) =>
    migrationView(
      await plans.askAll(
        params.plan,
        { kind: 'withdraw-cutover', reason: body.reason ?? WITHOUT_REASON, at: new Date() },
        call,
      ),
    ),
  'plans.archive': async ({ catalog, plans, runs }, { params }, call) => {
    const before = call.createdBefore('plan');
    if (before !== undefined) await plans.abandonFailed(before, call.context);
    const entry =
      before === undefined ? await plans.archive(params.plan, call.context) : catalog.createdPlan(before);
    call.did(`plan-${entry.id}`);
    return planView(entry, plans.lastValidation(entry), runs.migrations());
  },
  'plans.delete': async ({ plans }, { params }, call) => {
    await plans.delete(params.plan, call.context);
    return null;
  },
};
