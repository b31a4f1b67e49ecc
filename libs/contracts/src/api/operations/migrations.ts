import { z } from 'zod';
import { ScheduleLimits } from '../../definitions.js';
import { Page, pageOf, ReasonBody, Ref } from '../error.js';
import { HistoryEntry, MigrationView } from '../migration.js';
import { type ApiOperation, migration, none } from './operation.js';

export const migrationsOperations = {
  'migrations.list': {
    method: 'GET',
    path: '/migrations',
    summary: 'List the migrations, latest first',
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

export const scheduleOperations = {
  'schedule.get': {
    method: 'GET',
    path: '/schedule',
    summary: 'Show the limits on what runs at once, over all plans',
    params: none,
    query: none,
    status: 200,
    out: ScheduleLimits,
  },
  'schedule.set': {
    method: 'PUT',
    path: '/schedule',
    summary: 'Set the limits on what runs at once; running copies follow a new bandwidth budget at once',
    params: none,
    query: none,
    body: ScheduleLimits,
    status: 200,
    out: ScheduleLimits,
  },
} as const satisfies Record<`schedule.${string}`, ApiOperation>;

export const eventsOperations = {
  'events.get': {
    method: 'GET',
    path: '/events/:stream/:revision',
    summary: 'Show one event of the log; events too large for the bus refer to this address by `dataref`',
    params: z.strictObject({
      stream: z.string().min(1).max(255),
      revision: z.coerce.number().pipe(z.int().min(0)),
    }),
    query: none,
    status: 200,
    out: HistoryEntry,
  },
} as const satisfies Record<`events.${string}`, ApiOperation>;
