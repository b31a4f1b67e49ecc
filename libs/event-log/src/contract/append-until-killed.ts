import { randomUUID } from 'node:crypto';
import type { EventLog } from '../port.js';
import { newEvent } from './new-events.js';

/** The appender's message about an acknowledged batch. */
export interface Acknowledged {
  readonly batch: string;
  readonly size: number;
}

const LARGEST_BATCH = 12;

/**
 * For a process that `eventLogKillContract` kills: appends batches to many streams at once and to one long stream, and reports
 * each acknowledged batch to its parent. Never resolves.
 */
export async function appendUntilKilled(log: EventLog): Promise<never> {
  process.on('disconnect', () => process.exit(0));
  process.send?.('open');
  let revision = (await log.streamHead('long'))?.revision;
  for (;;) {
    const appends = Array.from({ length: 4 }, () => appendBatch(log, `batch-${randomUUID()}`, 'no-stream'));
    revision = await appendBatch(log, 'long', revision ?? 'no-stream');
    await Promise.all(appends);
  }
}

async function appendBatch(log: EventLog, stream: string, expected: number | 'no-stream'): Promise<number> {
  const batch = randomUUID();
  const size = 1 + Math.floor(Math.random() * LARGEST_BATCH);
  // At times larger than a page of the engine, so that a batch takes many writes.
  const filler = 'x'.repeat(Math.floor(Math.random() * 3000));
  const events = Array.from({ length: size }, () =>
    newEvent({ correlationId: batch, data: { size, filler } }),
  );
  const result = await log.append(stream, events, expected);
  process.send?.({ batch, size } satisfies Acknowledged);
  return result.events.at(-1)?.revision ?? 0;
}
