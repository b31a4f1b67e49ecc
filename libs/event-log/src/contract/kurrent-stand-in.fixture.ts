// A stand-in for KurrentDB 26.1, for tests, because no package of the server can be installed. It does what the log's adapter relies on
// as the server's sources do it (https://github.com/kurrent-io/KurrentDB): order, expected revisions, idempotent appends, checks on
// other streams, filters, checkpoints, $maxCount, limits of sizes. It has one node and no deletes, and speaks by the client's own
// generated protocol. What it acknowledged survives a kill of its process.
//
// Arguments: data folder, port, most bytes of an append, version; then, for TLS, the folder of server.pem and server.key, and `user:password`.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Metadata,
  type ServerWritableStream,
  type ServiceDefinition,
  type ServiceError,
  type UntypedServiceImplementation,
  Metadata as Headers,
  Server,
  ServerCredentials,
  status,
} from '@grpc/grpc-js';
import features from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/serverfeatures_grpc_pb.js';
import featuresPb from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/serverfeatures_pb.js';
import shared from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/shared_pb.js';
import statusPb from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/status_pb.js';
import v1 from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/streams_grpc_pb.js';
import v1Pb from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/streams_pb.js';
import errorsPb from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v2/streams/errors_pb.js';
import v2 from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v2/streams/streams_grpc_pb.js';
import v2Pb from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v2/streams/streams_pb.js';
import anyPb from 'google-protobuf/google/protobuf/any_pb.js';
import type { StandInRequest } from './kurrent-server.js';
import { ANY, type NewEvent, Store, type Stored } from './kurrent-store.fixture.js';

const [folder = '', port = '0', mostBytes = '', version = '', tls, user] = process.argv.slice(2);
process.on('disconnect', () => process.exit(0));
const base64 = (bytes: Uint8Array | string): string => Buffer.from(bytes).toString('base64');
const store = new Store(join(folder, 'events.jsonl'));
/** How many events the server looks at in one step of a filtered subscription. */
const SEARCH_WINDOW = 32;

function failure(
  code: status,
  message: string,
  details?: [string, { serializeBinary(): Uint8Array }],
): ServiceError {
  const metadata = new Headers();
  if (details !== undefined) {
    const any = new anyPb.Any();
    any.pack(details[1].serializeBinary(), `kurrentdb.protocol.v2.streams.errors.${details[0]}`);
    const rpcStatus = new statusPb.Status();
    rpcStatus.setDetails(any);
    metadata.set('grpc-status-details-bin', Buffer.from(rpcStatus.serializeBinary()));
  }
  return Object.assign(new Error(message), { code, details: message, metadata });
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function appendRecords(request: InstanceType<typeof v2Pb.AppendRecordsRequest>) {
  // The server takes names that differ only in the case of letters for one stream, the first.
  const names = new Map<string, string>();
  const named = (stream: string): string => {
    const first = names.get(stream.toUpperCase()) ?? stream;
    names.set(stream.toUpperCase(), first);
    return first;
  };
  let size = 0;
  const events = request.getRecordsList().map((record): NewEvent => {
    const type = record.getSchema()?.getName() ?? '';
    const properties = Object.fromEntries(
      [...record.getPropertiesMap().entries()].map(([key, value]) => [key, value.getStringValue()]),
    );
    const isJson = record.getSchema()?.getFormat() === v2Pb.SchemaFormat.SCHEMA_FORMAT_JSON;
    const id = record.getRecordId() ?? '';
    if (record.getStream() === '' || !UUID.test(id) || !/^[\w.$:-]+$/.test(type))
      throw failure(status.INVALID_ARGUMENT, `invalid record ${id} of schema ${type}`);
    const metadata = JSON.stringify({
      ...properties,
      '$schema.name': type,
      '$schema.format': isJson ? 'Json' : 'Bytes',
    });
    const data = record.getData_asU8();
    size += data.length + metadata.length + type.length;
    return {
      stream: named(record.getStream()),
      id,
      type,
      isJson,
      data: base64(data),
      metadata: base64(metadata),
    };
  });
  if (events.length === 0) throw failure(status.INVALID_ARGUMENT, 'the request has no record');
  if (size > Number(mostBytes)) {
    const details = new errorsPb.AppendTransactionSizeExceededErrorDetails();
    details.setSize(size);
    details.setMaxSize(Number(mostBytes));
    const message = `append of ${size} bytes exceeds the maximum of ${mostBytes}`;
    throw failure(status.ABORTED, message, ['AppendTransactionSizeExceededErrorDetails', details]);
  }
  const written = Map.groupBy(events, ({ stream }) => stream);
  const expected = new Map<string, bigint>([...written.keys()].map((stream) => [stream, ANY]));
  for (const check of request.getChecksList())
    expected.set(
      named(check.getStreamState()?.getStream() ?? ''),
      BigInt(check.getStreamState()?.getExpectedState() ?? ANY),
    );
  const decisions = [...expected].map(([stream, state]) => {
    const ids = written.get(stream)?.map(({ id }) => id) ?? [];
    return { stream, state, isWritten: ids.length > 0, decision: store.decide(stream, state, ids) };
  });
  const writes = decisions.filter(({ isWritten }) => isWritten);
  const isIdempotent = writes.every(({ decision }) => decision === 'idempotent');
  const violated = decisions.filter(
    ({ decision }) => decision === 'violated' || (decision === 'idempotent' && !isIdempotent),
  );
  if (violated.length > 0) {
    const details = new errorsPb.AppendConsistencyViolationErrorDetails();
    for (const { stream, state } of violated) {
      const violation = new errorsPb.ConsistencyViolation();
      const found = new errorsPb.ConsistencyViolation.StreamStateViolation();
      found.setStream(stream);
      found.setExpectedState(String(state));
      found.setActualState(String(store.last(stream)));
      violation.setStreamState(found);
      details.addViolations(violation);
    }
    const message = 'consistency checks failed';
    throw failure(status.FAILED_PRECONDITION, message, ['AppendConsistencyViolationErrorDetails', details]);
  }
  const position = isIdempotent ? -1n : (store.write(events).at(-1)?.position ?? -1n);
  const response = new v2Pb.AppendRecordsResponse();
  response.setPosition(String(position));
  for (const { stream, state } of writes) {
    const revision = new v2Pb.StreamRevision();
    revision.setStream(stream);
    const first = isIdempotent ? state : store.last(stream) - BigInt(written.get(stream)?.length ?? 0);
    revision.setRevision(String(first + BigInt(written.get(stream)?.length ?? 0)));
    response.addRevisions(revision);
  }
  return response;
}

function readEvent(event: Stored) {
  const recorded = new v1Pb.ReadResp.ReadEvent.RecordedEvent();
  const id = new shared.UUID();
  id.setString(event.id);
  recorded.setId(id);
  const stream = new shared.StreamIdentifier();
  stream.setStreamName(base64(event.stream));
  recorded.setStreamIdentifier(stream);
  recorded.setStreamRevision(String(event.revision));
  recorded.setCommitPosition(String(event.position));
  recorded.setPreparePosition(String(event.position));
  const contentType = event.isJson ? 'application/json' : 'application/octet-stream';
  recorded.getMetadataMap().set('type', event.type).set('content-type', contentType).set('created', '0');
  recorded.setData(event.data);
  recorded.setCustomMetadata(event.metadata);
  const read = new v1Pb.ReadResp.ReadEvent();
  read.setEvent(recorded);
  read.setCommitPosition(String(event.position));
  const response = new v1Pb.ReadResp();
  response.setEvent(read);
  return response;
}

type ReadCall = ServerWritableStream<InstanceType<typeof v1Pb.ReadReq>, InstanceType<typeof v1Pb.ReadResp>>;
type Options = InstanceType<typeof v1Pb.ReadReq.Options>;

async function read(call: ReadCall): Promise<void> {
  const options = call.request.getOptions() ?? new v1Pb.ReadReq.Options();
  if (options.hasSubscription()) return subscribe(call, options);
  const stream = options.getStream();
  if (stream !== undefined) {
    const name = stream.getStreamIdentifier()?.getStreamName_asU8() ?? '';
    if (store.last(Buffer.from(name).toString()) < 0n) {
      const missing = new v1Pb.ReadResp.StreamNotFound();
      missing.setStreamIdentifier(stream.getStreamIdentifier());
      const response = new v1Pb.ReadResp();
      response.setStreamNotFound(missing);
      call.write(response);
      return void call.end();
    }
  }
  const found = stream === undefined ? ofAll(options) : ofStream(options);
  for (const event of found.slice(0, Number(options.getCount())))
    if (!call.write(readEvent(event))) await new Promise((resolve) => call.once('drain', resolve));
  call.end();
}

const isForwards = (options: Options): boolean => options.getReadDirection() === 0;

function ofStream(options: Options): readonly Stored[] {
  const stream = options.getStream();
  const name = Buffer.from(stream?.getStreamIdentifier()?.getStreamName_asU8() ?? '').toString();
  const events = store.visible(name);
  const from = stream?.hasRevision() ? BigInt(stream.getRevision()) : undefined;
  if (isForwards(options)) return events.filter(({ revision }) => revision >= (from ?? 0n));
  return events.filter(({ revision }) => from === undefined || revision <= from).toReversed();
}

/** Forwards from a position on; backwards, what ends before it. */
function ofAll(options: Options): readonly Stored[] {
  const at = options.getAll()?.getPosition()?.getCommitPosition();
  const from = at === undefined ? undefined : BigInt(at);
  const events = store.all.filter(passes(options));
  if (isForwards(options)) return events.filter(({ position }) => position >= (from ?? 0n));
  return events.filter(({ position }) => from === undefined || position < from).toReversed();
}

function passes(options: Options): (event: Stored) => boolean {
  const prefixes = options.getFilter()?.getStreamIdentifier()?.getPrefixList();
  return ({ stream }) => prefixes === undefined || prefixes.some((prefix) => stream.startsWith(prefix));
}

function subscribe(call: ReadCall, options: Options): void {
  const position = options.getAll()?.getPosition();
  const after = BigInt(position?.getCommitPosition() ?? 0);
  const isWanted = passes(options);
  const interval = SEARCH_WINDOW * (options.getFilter()?.getCheckpointintervalmultiplier() ?? 1);
  let considered = 0;
  const checkpoint = (at: bigint): void => {
    const reached = new v1Pb.ReadResp.Checkpoint();
    reached.setCommitPosition(String(at));
    reached.setPreparePosition(String(at));
    const response = new v1Pb.ReadResp();
    response.setCheckpoint(reached);
    call.write(response);
  };
  const send = (events: readonly Stored[]): void => {
    for (const event of events) {
      if (isWanted(event)) call.write(readEvent(event));
      considered += 1;
      if (considered % interval === 0) checkpoint(event.position);
    }
  };
  const confirmation = new v1Pb.ReadResp();
  confirmation.setConfirmation(new v1Pb.ReadResp.SubscriptionConfirmation());
  call.write(confirmation);
  send(store.all.filter((event) => event.position > after));
  const end = store.all.at(-1)?.position ?? 0n;
  if (end > after) checkpoint(end);
  const caughtUp = new v1Pb.ReadResp();
  caughtUp.setCaughtUp(new v1Pb.ReadResp.CaughtUp());
  call.write(caughtUp);
  store.subscriptions.add(send);
  call.on('cancelled', () => store.subscriptions.delete(send));
}

/** Only for settings of streams: the adapter appends everything else by the newer protocol. */
function append(messages: readonly InstanceType<typeof v1Pb.AppendReq>[]) {
  const stream = messages[0]?.getOptions()?.getStreamIdentifier()?.getStreamName_asU8() ?? '';
  const events = messages.slice(1).flatMap((message): NewEvent[] => {
    const proposed = message.getProposedMessage();
    if (proposed === undefined) return [];
    const fields = {
      id: proposed.getId()?.getString() ?? '',
      type: proposed.getMetadataMap().get('type') ?? '',
    };
    const bytes = { data: proposed.getData_asB64(), metadata: proposed.getCustomMetadata_asB64() };
    return [{ stream: Buffer.from(stream).toString(), ...fields, isJson: true, ...bytes }];
  });
  const last = store.write(events).at(-1);
  const success = new v1Pb.AppendResp.Success();
  success.setCurrentRevision(String(last?.revision ?? 0));
  const response = new v1Pb.AppendResp();
  response.setSuccess(success);
  return response;
}

function supportedMethods() {
  const response = new featuresPb.SupportedMethods();
  response.setEventStoreServerVersion(version);
  const isNew = Number.parseFloat(version) >= 26.1;
  const names = [
    ['event_store.client.streams.streams', 'read'],
    ...(isNew ? [['kurrentdb.protocol.v2.streams.StreamsService', 'AppendRecords']] : []),
  ];
  for (const [service = '', name = ''] of names) {
    const method = new featuresPb.SupportedMethod();
    method.setServiceName(service);
    method.setMethodName(name);
    response.addMethods(method);
  }
  return response;
}

const expectedUser = user && `Basic ${base64(user)}`;
function isKnown(headers: Metadata): boolean {
  return expectedUser === undefined || headers.get('authorization')[0] === expectedUser;
}
const denied = () => failure(status.UNAUTHENTICATED, 'access denied');

type Answer = (error: ServiceError | null, response?: unknown) => void;
/** Answers one request with what `work` returns or throws. */
const unary =
  <Call extends { readonly metadata: Metadata }>(work: (call: Call) => unknown) =>
  (call: Call, answer: Answer): void => {
    try {
      if (!isKnown(call.metadata)) throw denied();
      answer(null, work(call));
    } catch (error) {
      answer(error as ServiceError);
    }
  };

const server = new Server({ 'grpc.max_receive_message_length': 17 * 1024 * 1024 });
/** Methods that no test needs are left out. */
const add = (service: unknown, methods: Readonly<Record<string, unknown>>): void =>
  server.addService(service as ServiceDefinition, methods as UntypedServiceImplementation);
// The server tells anybody what it can do.
add(features.ServerFeaturesService, {
  getSupportedMethods: (_: unknown, answer: Answer) => answer(null, supportedMethods()),
});
add(v2.StreamsServiceService, {
  appendRecords: unary(
    (call: {
      readonly metadata: Metadata;
      readonly request: InstanceType<typeof v2Pb.AppendRecordsRequest>;
    }) => appendRecords(call.request),
  ),
});
add(v1.StreamsService, {
  read: (call: ReadCall) => {
    if (isKnown(call.metadata)) void read(call);
    else call.emit('error', denied());
  },
  append: (call: NodeJS.ReadableStream, answer: Answer) => {
    const messages: InstanceType<typeof v1Pb.AppendReq>[] = [];
    call.on('data', (message) => messages.push(message as unknown as InstanceType<typeof v1Pb.AppendReq>));
    call.on('end', () => answer(null, append(messages)));
  },
});

/** Edits the stored event at a place, or undoes all edits. */
let undo: (() => void)[] = [];
process.on('message', ({ number, edit }: StandInRequest) => {
  if (edit === undefined) {
    for (const each of undo) each();
    undo = [];
  } else {
    const event = store.streams.get(edit.stream)?.[edit.revision];
    const before = { ...event };
    if (event !== undefined) {
      undo.push(() => void Object.assign(event, before));
      const { revision, ...text } = edit.change;
      Object.assign(event, text, revision === undefined ? {} : { revision: BigInt(revision) });
    }
  }
  process.send?.({ number });
});

const credentials =
  tls === undefined
    ? ServerCredentials.createInsecure()
    : ServerCredentials.createSsl(null, [
        {
          cert_chain: readFileSync(join(tls, 'server.pem')),
          private_key: readFileSync(join(tls, 'server.key')),
        },
      ]);
server.bindAsync(`127.0.0.1:${port}`, credentials, (error, bound) => {
  if (error) throw error;
  process.send?.({ port: bound });
});
