import type { CommandContext } from '../log/event-writer.js';
import { vmOfStream } from './stream-names.js';

/** What the planner does by itself, because of what is in `stream`. */
export const systemContext = (stream: string): CommandContext => ({
  actor: { kind: 'system', name: 'planner', authenticatedBy: 'process' },
  causationId: stream,
  correlationId: vmOfStream(stream)?.migrationId ?? stream,
});
