import { LedgerliftError } from '@ledgerlift/contracts';
import type { ExpectedRevision } from './port.js';

/** The stream has changed since it was read. Read it and decide again; never retry the same append. */
export class RevisionConflict extends LedgerliftError {
  readonly code = 'LL-LOG-001';
  constructor(
    readonly stream: string,
    readonly expected: ExpectedRevision,
    readonly actual: ExpectedRevision,
  ) {
    super(`stream ${stream} is at ${actual}, not at ${expected}; read the stream and decide again`);
  }
}

/** An event id was reused, in another place or with other events. Make a new id for each event. */
export class EventIdReused extends LedgerliftError {
  readonly code = 'LL-LOG-002';
  constructor(
    readonly eventId: string,
    readonly stream: string,
  ) {
    super(`event id ${eventId} was used already, in stream ${stream}; make a new id for each event`);
  }
}

/** The file is not an event log of this version. */
export class NotAnEventLog extends LedgerliftError {
  readonly code = 'LL-LOG-003';
  constructor(path: string, reason: string) {
    super(
      `${path} is not an event log that this version can open: ${reason}; name the right file, or run the version that wrote it`,
    );
  }
}

/** The append has invalid content. Nothing was written. */
export class BadAppend extends LedgerliftError {
  readonly code = 'LL-LOG-004';
  constructor(
    override readonly field: string,
    reason: string,
  ) {
    super(`${field}: ${reason}`, { field });
  }
}

/** The log was closed, or was opened only for reading. Open it for the intended use. */
export class LogNotOpen extends LedgerliftError {
  readonly code = 'LL-LOG-005';
  constructor(readonly purpose: 'appending' | 'reading') {
    super(`the event log is not open for ${purpose}; open it again, for ${purpose}`);
  }
}

/**
 * The engine failed, for example on a full disk. Repeat the same append at the same revision: it returns the first
 * result.
 */
export class AppendFailed extends LedgerliftError {
  readonly code = 'LL-LOG-006';
  override readonly failure = 'transient';
  constructor(
    readonly stream: string,
    cause: unknown,
  ) {
    super(
      `the append to stream ${stream} failed: ${reasonOf(cause)}; append the same events at the same revision again`,
      { cause },
    );
  }
}

/** No event of this engine can have this position. Take positions from events; never make them up. */
export class BadPosition extends LedgerliftError {
  readonly code = 'LL-LOG-007';
  constructor(readonly position: string) {
    super(`"${position}" is not a position of this log; use the position of an event that was read from it`);
  }
}

/** The log's file, or its database, cannot be opened. */
export class CannotOpenLog extends LedgerliftError {
  readonly code = 'LL-LOG-008';
  override readonly failure = 'needs-operator';
  constructor(
    readonly path: string,
    cause: unknown,
    advice = 'check that its folder exists and may be written',
  ) {
    super(`the event log ${path} cannot be opened: ${reasonOf(cause)}; ${advice}`, { cause });
  }
}

/**
 * A stored record is not an event, or its columns contradict its content, by an edit or a damaged disk. Run an audit.
 */
export class UnreadableEvent extends LedgerliftError {
  readonly code = 'LL-LOG-009';
  override readonly failure = 'needs-operator';
  constructor(
    readonly stream: string,
    readonly revision: number,
    readonly position: string,
  ) {
    super(
      `revision ${revision} of stream ${stream}, at position ${position}, cannot be read as an event; run an audit of the log`,
    );
  }
}

/** Another process took over the log while this one was silent. Nothing was written. End this process. */
export class LogTakenOver extends LedgerliftError {
  readonly code = 'LL-LOG-010';
  override readonly failure = 'needs-operator';
  constructor() {
    super(
      'another process owns the event log now; nothing was written. End this process, or open the log again',
    );
  }
}

/**
 * The log lacks an event that was there: a server took over that does not have it, or an older backup was restored. Nothing was
 * written.
 */
export class LogLostEvents extends LedgerliftError {
  readonly code = 'LL-LOG-011';
  override readonly failure = 'needs-operator';
  /** @param event the last one that was acknowledged, read or published */
  constructor(event: { readonly position: string } | { readonly stream: string; readonly revision: number }) {
    const which =
      'position' in event ? `at position ${event.position}` : `${event.revision} of ${event.stream}`;
    super(
      `the event log no longer has the event ${which}; nothing was written. Use the server or the backup that has it, and ` +
        'replicate synchronously',
    );
  }
}

/** An audit of the log found a problem, so it is not exported. */
export class LogNotIntact extends LedgerliftError {
  readonly code = 'LL-LOG-020';
  override readonly failure = 'needs-operator';
  constructor(place: string, findings: number, first: string) {
    super(
      `the event log ${place} is not intact: ${findings} findings, the first is ${first}; list them with ` +
        "'ledgerlift audit verify', and restore a backup",
    );
  }
}

/** A line of an export is not what it should be, or the export has no end. What came before was imported. */
export class BadExport extends LedgerliftError {
  readonly code = 'LL-LOG-021';
  constructor(line: number, reason: string) {
    super(`line ${line} of the export: ${reason}; export the log again`, { field: `line ${line}` });
  }
}

/** The log to import into has other events than the export. Nothing was written. */
export class NotThatLog extends LedgerliftError {
  readonly code = 'LL-LOG-022';
  constructor(place: string, line: number) {
    super(
      `the event log ${place} has other events than the export, from line ${line} on; nothing was written. Import into an ` +
        'empty log, or into one where an import of this export was interrupted',
    );
  }
}

const reasonOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));
