import { z } from 'zod';
import { HistoryEntry } from '../migration.js';
import { none } from './operation.js';
import type { ApiOperation } from './operation.js';

export const eventsOperations = {
  'events.get': {
    method: 'GET',
    path: '/events/:stream/:revision',
    summary: 'Show one event of the log; what is too large for the bus is on it with this as its `dataref`',
    params: z.strictObject({
      stream: z.string().min(1).max(255),
      revision: z.coerce.number().pipe(z.int().min(0)),
    }),
    query: none,
    status: 200,
    out: HistoryEntry,
  },
} as const satisfies Record<`events.${string}`, ApiOperation>;
