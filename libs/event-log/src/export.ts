import { createHash, type Hash } from 'node:crypto';
import { Actor, cloudEventSource, cloudEventType, typeOfCloudEvent } from '@ledgerlift/contracts';
import { z } from 'zod';
import { auditVerify } from './audit.js';
import { BadExport, LogNotIntact, NotThatLog } from './errors.js';
import type { EventLog, ExpectedRevision, NewEvent, StoredEvent } from './port.js';
import { type ChainedEvent, chainHash, GENESIS_HASH } from './stored-content.js';

/** Type of the last line, without which an export is incomplete. */
const END_TYPE = 'io.ledgerlift.LogExported.v1';
/** The most events of one append, and the most appends at a time. */
const MOST_EVENTS = 500;
const MOST_APPENDS = 64;

/** An event of the log as a CloudEvent with everything that its hash covers, and the hash. */
const ExportedEvent = z.strictObject({
  specversion: z.literal('1.0'),
  id: z.string(),
  source: z.string(),
  type: z.string(),
  subject: z.string(),
  time: z.string(),
  datacontenttype: z.literal('application/json'),
  correlationid: z.string(),
  causationid: z.string(),
  /** `{kind}:{name}` */
  actor: z.string().regex(/^[a-z]+:./),
  authenticatedby: z.string(),
  traceparent: z.string().optional(),
  idempotencykey: z.string().optional(),
  revision: z.int().min(0),
  hash: z.string(),
  data: z.unknown(),
});
type ExportedEvent = z.infer<typeof ExportedEvent>;

const ExportEnd = z.object({
  type: z.literal(END_TYPE),
  data: z.object({
    events: z.int().min(0),
    /** SHA-256, hex, over id and hash of every event in the order of the log. */
    digest: z.string(),
  }),
});

export interface Exported {
  readonly events: number;
  /** Of ids and hashes in the order of the log: the same for the same log on every engine. */
  readonly digest: string;
}

/**
 * The log as JSON Lines of CloudEvents 1.0, in its order, and a last line that says how much it was. Events that are appended
 * meanwhile are left out.
 *
 * @param place of the log, for errors
 * @param installation for the `source` of the CloudEvents
 * @throws LogNotIntact if an audit finds a problem
 */
export async function* exportLog(
  log: EventLog,
  place: string,
  installation: string,
): AsyncGenerator<string, Exported> {
  const head = await log.head();
  const { findings } = await auditVerify(log);
  const [first] = findings;
  if (first !== undefined) throw new LogNotIntact(place, findings.length, JSON.stringify(first));
  const digest = new OrderDigest();
  if (head !== undefined)
    for await (const event of log.readAll()) {
      digest.add(event);
      yield JSON.stringify(exported(event, installation));
      if (event.position === head) break;
    }
  const end = digest.end();
  const time = new Date().toISOString();
  yield JSON.stringify({
    ...{ specversion: '1.0', id: `export-${time}`, source: `/ledgerlift/${installation}`, type: END_TYPE },
    ...{ time, datacontenttype: 'application/json', data: end },
  });
  return end;
}

/**
 * Appends the events of an export in their order, each checked against the hash chain before it is written, then reads the log
 * again and compares. An import that was interrupted goes on when it is repeated.
 *
 * @param log empty, or with the first events of the same export
 * @param place of the log, for errors
 * @throws BadExport, NotThatLog; errors of `EventLog.append`
 */
export async function importLog(
  log: EventLog,
  place: string,
  lines: AsyncIterable<string>,
): Promise<Exported> {
  const there = log.readAll()[Symbol.asyncIterator]();
  const pending: Promise<unknown>[] = [];
  let group: StoredLine[] = [];
  const write = (): void => {
    const [first] = group;
    if (first === undefined) return;
    const expected: ExpectedRevision = first.revision === 0 ? 'no-stream' : first.revision - 1;
    const appended = log.append(first.stream, group, expected);
    // Awaited below; until then, a failure must not count as unhandled.
    appended.catch(() => undefined);
    pending.push(appended);
    group = [];
  };
  let isWriting = false;
  const end = await readExport(lines, async (event, line) => {
    if (!isWriting) {
      const { done, value } = await there.next();
      if (done !== true && value.id === event.id && value.hash === event.hash) return;
      if (done !== true) throw new NotThatLog(place, line);
      isWriting = true;
    }
    // Consecutive events of a stream were, or may have been, one append.
    if (group[0] !== undefined && group[0].stream !== event.stream) write();
    group.push(event);
    if (group.length === MOST_EVENTS) write();
    if (pending.length >= MOST_APPENDS) await Promise.all(pending.splice(0));
  }).finally(() => Promise.allSettled(pending));
  if (!isWriting && (await there.next()).done !== true) throw new NotThatLog(place, end.events + 1);
  write();
  await Promise.all(pending);
  const digest = new OrderDigest();
  for await (const event of log.readAll()) digest.add(event);
  const found = digest.end();
  if (found.digest !== end.digest)
    throw new Error(`the events of the event log ${place} are not in the order of the export`);
  return found;
}

/**
 * Checks an export without a log: every line, every chain, and that nothing is missing at its end.
 * @throws BadExport
 */
export const verifyExport = (lines: AsyncIterable<string>): Promise<Exported> =>
  readExport(lines, () => Promise.resolve());

type StoredLine = ChainedEvent & { readonly hash: string };

async function readExport(
  lines: AsyncIterable<string>,
  take: (event: StoredLine, line: number) => Promise<void>,
): Promise<Exported> {
  const heads = new Map<string, { readonly revision: number; readonly hash: string }>();
  const digest = new OrderDigest();
  let [line, end]: [number, Exported | undefined] = [0, undefined];
  for await (const text of lines) {
    line += 1;
    if (text === '') continue;
    if (end !== undefined) throw new BadExport(line, 'comes after the end');
    const json = parsed(text, line);
    const last = ExportEnd.safeParse(json);
    if (last.success) {
      end = digest.end();
      const { data } = last.data;
      if (data.events !== end.events)
        throw new BadExport(line, `says that there are ${data.events} events; there are ${end.events}`);
      if (data.digest !== end.digest) throw new BadExport(line, 'the events are not in the order of the log');
      continue;
    }
    const event = importedEvent(json, line);
    const head = heads.get(event.stream) ?? { revision: -1, hash: GENESIS_HASH };
    if (event.revision !== head.revision + 1)
      throw new BadExport(line, `revision ${event.revision} of ${event.stream} follows ${head.revision}`);
    if (chainHash(head.hash, withoutHash(event)) !== event.hash)
      throw new BadExport(line, `event ${event.id} is not what was logged: its hash differs`);
    heads.set(event.stream, event);
    digest.add(event);
    await take(event, line);
  }
  if (end === undefined) throw new BadExport(line + 1, 'the end is missing');
  return end;
}

/** Over ids and hashes in their order, which the hashes of the streams do not cover. */
class OrderDigest {
  readonly #hash: Hash = createHash('sha256');
  #events = 0;

  add({ id, hash }: Pick<StoredEvent, 'id' | 'hash'>): void {
    this.#events += 1;
    this.#hash.update(`${id} ${hash}\n`);
  }

  end(): Exported {
    return { events: this.#events, digest: this.#hash.digest('hex') };
  }
}

function exported(event: StoredEvent, installation: string): ExportedEvent {
  const { stream, actor, traceparent, idempotencyKey } = event;
  return {
    specversion: '1.0',
    id: event.id,
    source: cloudEventSource(installation, stream),
    type: cloudEventType(event.type, event.version),
    subject: stream,
    time: event.time,
    datacontenttype: 'application/json',
    correlationid: event.correlationId,
    causationid: event.causationId,
    actor: `${actor.kind}:${actor.name}`,
    authenticatedby: actor.authenticatedBy,
    ...(traceparent === undefined ? {} : { traceparent }),
    ...(idempotencyKey === undefined ? {} : { idempotencykey: idempotencyKey }),
    revision: event.revision,
    hash: event.hash,
    data: event.data,
  };
}

/** @throws BadExport */
function importedEvent(json: unknown, line: number): StoredLine {
  const read = ExportedEvent.safeParse(json);
  if (!read.success) {
    const [issue] = read.error.issues;
    throw new BadExport(line, `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'it is not an event'}`);
  }
  const { id, subject: stream, revision, time, data, hash, traceparent, idempotencykey } = read.data;
  const { correlationid: correlationId, causationid: causationId } = read.data;
  const [kind = '', ...name] = read.data.actor.split(':');
  const actor = Actor.safeParse({ kind, name: name.join(':'), authenticatedBy: read.data.authenticatedby });
  const typed = typeOfCloudEvent(read.data.type);
  if (!actor.success) throw new BadExport(line, `actor: ${read.data.actor} is not an actor`);
  if (typed === undefined) throw new BadExport(line, `type: ${read.data.type} is not a type of Ledgerlift's`);
  const event: NewEvent = { id, ...typed, time, data, correlationId, causationId, actor: actor.data };
  return {
    ...event,
    stream,
    revision,
    ...(traceparent === undefined ? {} : { traceparent }),
    ...(idempotencykey === undefined ? {} : { idempotencyKey: idempotencykey }),
    hash,
  };
}

const withoutHash = ({ hash: _hash, ...event }: StoredLine): ChainedEvent => event;

function parsed(text: string, line: number): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new BadExport(line, 'is not JSON');
  }
}
