import type { HandlersOf } from '../edge/dispatcher.js';
import { NoSuchEvent } from '../errors.js';
import { historyEntry } from '../views/history.js';

export const eventHandlers: HandlersOf<'events'> = {
  'events.get': async ({ runs }, { params: { stream, revision } }) => {
    for await (const event of runs.history(stream, revision)) return historyEntry(event);
    throw new NoSuchEvent(stream, revision);
  },
};
