import { ScheduleLimits } from '../../specs.js';
import { none } from './operation.js';
import type { ApiOperation } from './operation.js';

export const scheduleOperations = {
  'schedule.get': {
    method: 'GET',
    path: '/schedule',
    summary: 'Show what may run at once over all plans',
    params: none,
    query: none,
    status: 200,
    out: ScheduleLimits,
  },
  'schedule.set': {
    method: 'PUT',
    path: '/schedule',
    summary: 'Set what may run at once; copies that run follow a new bandwidth budget at once',
    params: none,
    query: none,
    body: ScheduleLimits,
    status: 200,
    out: ScheduleLimits,
  },
} as const satisfies Record<`schedule.${string}`, ApiOperation>;
