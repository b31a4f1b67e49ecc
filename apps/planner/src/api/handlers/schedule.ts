import type { HandlersOf } from '../edge/dispatcher.js';

export const scheduleHandlers: HandlersOf<'schedule'> = {
  'schedule.get': ({ runs }) => runs.limits,
  'schedule.set': async ({ runs }, { body }, call) => {
    await runs.setLimits(body, call.context);
    return runs.limits;
  },
};
