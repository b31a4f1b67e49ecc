import { DeadLetter, streams, subjects } from '@ledgerlift/contracts';
import { jetstream, jetstreamManager, type JsMsg, type StoredMsg } from '@nats-io/jetstream';
import { headers, type NatsConnection } from '@nats-io/nats-core';
import { v7 as uuid } from 'uuid';
import { DeadLetterNotFound, type PoisonMessage, SubjectMismatch } from '../errors.js';
import { lastPublished } from '../publish/publisher.js';

/**
 * Puts an unreadable message into DEAD, with the reason. Repeating it for the same message is harmless.
 * @throws errors of JetStream; then do not ack the message yet
 */
export async function buryMessage(nc: NatsConnection, message: JsMsg, error: PoisonMessage): Promise<void> {
  const stream = message.info.stream;
  const letter = {
    reason: error.message,
    code: error.code,
    subject: message.subject,
    stream,
    sequence: message.seq,
    at: new Date().toISOString(),
    original: Buffer.from(message.data).toString('base64'),
  } satisfies DeadLetter;
  const full = JSON.stringify(letter);
  const limit = (nc.info?.max_payload ?? Number.POSITIVE_INFINITY) - 512;
  // Base64 may exceed the message limit. Then the original stays in its stream, and is found by its number.
  const payload = full.length <= limit ? full : JSON.stringify({ ...letter, original: '' });
  await jetstream(nc).publish(deadSubject(stream, message.subject), payload, {
    msgID: `dead/${stream}/${message.seq}/${message.info.timestampNanos}`,
  });
}

/** The subject in DEAD: for a message of one VM, that VM's own, because its worker may be limited to that. */
function deadSubject(stream: string, subject: string): string {
  const [, , category, id] = subject.split('.');
  return category === undefined || id === undefined
    ? subjects.dead(stream)
    : subjects.deadOf(stream, `${category}-${id}`);
}

export interface BuriedMessage {
  /** Its number in DEAD, by which it is replayed. */
  readonly number: number;
  readonly letter: DeadLetter;
}

/**
 * The dead letters, oldest first.
 * @param limit the most letters to return
 * @throws errors of JetStream if DEAD cannot be read
 */
export async function listDeadLetters(nc: NatsConnection, limit = 1000): Promise<readonly BuriedMessage[]> {
  const jsm = await jetstreamManager(nc, { checkAPI: false });
  const { state } = await jsm.streams.info(streams.dead.name);
  const found: BuriedMessage[] = [];
  let seq = state.first_seq;
  while (found.length < limit && seq <= state.last_seq && state.messages > 0) {
    const message = await jsm.direct.getMessage(streams.dead.name, { seq, next_by_subj: subjects.dead('>') });
    if (message === null) break;
    const letter = DeadLetter.safeParse(JSON.parse(message.string()));
    if (letter.success) found.push({ number: message.seq, letter: letter.data });
    seq = message.seq + 1;
  }
  return found;
}

/**
 * Publishes the original of a dead letter to its subject again, and removes the letter from DEAD.
 * @throws DeadLetterNotFound; SubjectMismatch if it is forged; errors of JetStream
 */
export async function replayDeadLetter(nc: NatsConnection, number: number): Promise<void> {
  const jsm = await jetstreamManager(nc, { checkAPI: false });
  const message: StoredMsg | null = await jsm.streams.getMessage(streams.dead.name, { seq: number });
  if (message === null) throw new DeadLetterNotFound(number);
  const letter = DeadLetter.parse(JSON.parse(message.string()));
  // A sender that may write letters about one VM must not make us publish anything about another.
  const own = [subjects.dead(letter.stream), deadSubject(letter.stream, letter.subject)];
  if (!own.includes(message.subject)) throw new SubjectMismatch(message.subject, letter.subject);
  const original =
    letter.original === ''
      ? (await jsm.streams.getMessage(letter.stream, { seq: letter.sequence }))?.data
      : Buffer.from(letter.original, 'base64');
  if (original === undefined) throw new DeadLetterNotFound(number);
  const head = headers();
  // On EVENTS the replayed message may become the last one, from which the relay reads where it was.
  if (letter.stream === streams.events.name)
    for await (const { header } of lastPublished(nc)) {
      head.set(...header);
      break;
    }
  await jetstream(nc).publish(letter.subject, original, {
    msgID: `replay/${number}/${uuid()}`,
    headers: head,
  });
  await jsm.streams.deleteMessage(streams.dead.name, number, false);
}
