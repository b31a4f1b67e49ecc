import { LedgerliftError } from '@ledgerlift/contracts';
import type { ExpectedRevision } from './port.js';

/** The stream moved on since it was read. Read it again and decide anew; never retry the append as it was. */
export class RevisionConflict extends LedgerliftError {
  readonly code = 'LL-LOG-001';
  constructor(
    readonly stream: string,
    readonly expected: ExpectedRevision,
    readonly actual: number | undefined,
  ) {
    super(
      `stream ${stream} is at ${actual ?? 'no-stream'}, not at ${expected}; read it again and decide anew`,
    );
  }
}

/** An event id that is in the log already came again elsewhere, or with other events. Ids are made once. */
export class EventIdReused extends LedgerliftError {
  readonly code = 'LL-LOG-002';
  constructor(
    readonly eventId: string,
    readonly stream: string,
  ) {
    super(`event id ${eventId} is in stream ${stream} already; make a new id for each event`);
  }
}

/** The file is no event log of this version. */
export class NotAnEventLog extends LedgerliftError {
  readonly code = 'LL-LOG-003';
  constructor(path: string, reason: string) {
    super(`${path} is not an event log that this version can open: ${reason}`);
  }
}

/** An append that cannot be one: no events, or an unusable stream name. */
export class BadAppend extends LedgerliftError {
  readonly code = 'LL-LOG-004';
  constructor(field: string, reason: string) {
    super(`${field}: ${reason}`, { field });
  }
}
