import type { HandlersOf } from '../edge/dispatcher.js';
import { migrationView } from '../views/migration.js';
import { pageFrom } from '../views/catalog.js';

export const migrationHandlers: HandlersOf<'migrations'> = {
  'migrations.list': ({ catalog, runs }, { query }) => {
    const { plan, ...page } = query;
    const planId = plan === undefined ? undefined : (catalog.findPlan(plan)?.id ?? plan);
    const found = runs
      .migrations()
      .filter((run) => planId === undefined || run.planId === planId)
      .toSorted((one, other) => other.startedAt.localeCompare(one.startedAt));
    return pageFrom(found, page, migrationView);
  },
  'migrations.get': ({ plans }, { params }) => migrationView(plans.migration(params.migration)),
  'migrations.cancel': async ({ plans, runs }, { params, body }, call) => {
    const { migrationId } = plans.migration(params.migration);
    if (!call.isRepeated) {
      await runs.cancelMigration(migrationId, body.reason ?? 'asked for over the API', call.context);
      call.did(`migration-${migrationId}`);
    }
    return migrationView(plans.migration(migrationId));
  },
};
