import { MigrationView } from '../migration.js';
import { Page, ReasonBody, Ref, pageOf } from '../request.js';
import { migration, none } from './operation.js';
import type { ApiOperation } from './operation.js';

export const migrationsOperations = {
  'migrations.list': {
    method: 'GET',
    path: '/migrations',
    summary: 'List the migrations, the latest first',
    params: none,
    query: Page.extend({ plan: Ref.optional() }),
    status: 200,
    out: pageOf(MigrationView),
  },
  'migrations.get': {
    method: 'GET',
    path: '/migrations/:migration',
    summary: 'Show a migration',
    params: migration,
    query: none,
    status: 200,
    out: MigrationView,
  },
  'migrations.cancel': {
    method: 'POST',
    path: '/migrations/:migration/cancel',
    summary: 'Cancel a migration',
    params: migration,
    query: none,
    body: ReasonBody,
    status: 200,
    out: MigrationView,
  },
} as const satisfies Record<`migrations.${string}`, ApiOperation>;
