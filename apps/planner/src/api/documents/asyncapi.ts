import {
  ApiErrorBody,
  ApiNatsRequest,
  type ApiOperation,
  ClaimAnswer,
  ClaimRequest,
  CloudEvent,
  DeadLetter,
  type EventType,
  LeaseAnswer,
  LeaseRequest,
  PodCredentialAnswer,
  PodCredentialRequest,
  Progress,
  ProgressEntry,
  Report,
  ReportAnswer,
  StopMessage,
  apiOperations,
  eventSchemas,
  progressBucket,
  streams,
  subjects,
} from '@ledgerlift/contracts';
import { z } from 'zod';
import { apiSubject } from '../bus/nats.controller.js';
import { SchemaComponents, usedOnly } from './components.js';

type Json = Record<string, unknown>;

interface Exchange {
  readonly address: string;
  readonly description: string;
  /** From the planner's side. */
  readonly action: 'send' | 'receive';
  readonly payload: Json;
  readonly reply?: Json;
}

/** The AsyncAPI 3.0 document of everything on the bus: events, reports, progress, claims, and the API over NATS. */
export function asyncApiDocument(): Json {
  const components = new SchemaComponents();
  const exchanges = { ...busExchanges(components), ...apiExchanges(components) };
  const channels: Json = {};
  const operations: Json = {};
  for (const [name, exchange] of Object.entries(exchanges)) {
    channels[name] = {
      address: exchange.address,
      description: exchange.description,
      messages: { message: { contentType: 'application/json', payload: exchange.payload } },
    };
    const channel = { $ref: `#/channels/${name}` };
    operations[name] = {
      action: exchange.action,
      channel,
      messages: [{ $ref: `#/channels/${name}/messages/message` }],
    };
    if (exchange.reply === undefined) continue;
    const replyName = `${name}.reply`;
    channels[replyName] = {
      address: null,
      messages: { message: { contentType: 'application/json', payload: exchange.reply } },
    };
    operations[name] = {
      ...(operations[name] as Json),
      reply: {
        channel: { $ref: `#/channels/${replyName}` },
        messages: [{ $ref: `#/channels/${replyName}/messages/message` }],
      },
    };
  }
  const document = {
    asyncapi: '3.0.0',
    info: {
      title: 'Ledgerlift bus',
      version: '1.0.0',
      description: `Every message on NATS, by subject. JetStream streams: ${Object.values(streams)
        .map(({ name }) => name)
        .join(', ')}. Their payloads are CloudEvents 1.0 in structured JSON.`,
      license: { name: 'Apache-2.0' },
    },
    defaultContentType: 'application/json',
    channels,
    operations,
  };
  return { ...document, components: { schemas: usedOnly(document, components.all()) } };
}

function busExchanges(components: SchemaComponents): Record<string, Exchange> {
  const events = Object.fromEntries(
    (Object.keys(eventSchemas) as EventType[]).map((type): [string, Exchange] => {
      const { version, data } = eventSchemas[type];
      const event = CloudEvent.extend({ type: z.literal(`io.ledgerlift.${type}.v${version}`), data });
      const description = `Event ${type} from the log, version ${version}.`;
      const address = subjects.event('*-*', type);
      return [
        `events.${type}`,
        { address, description, action: 'send', payload: components.of(event, 'output') },
      ];
    }),
  );
  const sent = (
    address: string,
    description: string,
    action: Exchange['action'],
    schema: z.ZodType,
  ): Exchange => ({
    address,
    description,
    action,
    payload: components.of(schema, 'output'),
  });
  const asked = (address: string, description: string, request: z.ZodType, answer: z.ZodType): Exchange => ({
    ...sent(address, description, 'receive', request),
    reply: { anyOf: [components.of(answer, 'output'), components.of(ApiErrorBody, 'output')] },
  });
  return {
    ...events,
    reports: sent(
      subjects.reports,
      'Reports of workers about their attempts.',
      'receive',
      CloudEvent.extend({ data: Report }),
    ),
    progress: sent(
      subjects.allProgress,
      'Progress of a running step: bytes and messages.',
      'receive',
      Progress,
    ),
    progressBucket: sent(
      `$KV.${progressBucket.name}.*.*`,
      `KV bucket ${progressBucket.name}: one key, {migration}.{n}, for each VM that has begun and not ended.`,
      'send',
      ProgressEntry,
    ),
    stop: sent(
      subjects.stop('vm-*'),
      'Tells workers to stop all attempts of the VM at once.',
      'send',
      StopMessage,
    ),
    dead: sent(subjects.dead('>'), 'Unreadable messages, each with the reason.', 'receive', DeadLetter),
    claim: asked(
      subjects.claim('vm-*'),
      'A worker claims an attempt before it touches anything.',
      ClaimRequest,
      ClaimAnswer,
    ),
    lease: asked(
      subjects.lease('vm-*'),
      'A worker renews its lease while it works on an attempt.',
      LeaseRequest,
      LeaseAnswer,
    ),
    reportNow: asked(
      subjects.reportNow('vm-*'),
      'A report that the planner answers once it is in the log.',
      Report,
      ReportAnswer,
    ),
    podCredential: asked(
      subjects.allPodCredentials,
      'Requests a credential for the pod of one attempt, limited to its VM.',
      PodCredentialRequest,
      PodCredentialAnswer,
    ),
  };
}

function apiExchanges(components: SchemaComponents): Record<string, Exchange> {
  const exchanges: Record<string, Exchange> = {};
  for (const [name, operation] of Object.entries(apiOperations) as [string, ApiOperation][]) {
    const request = ApiNatsRequest.extend({
      params: operation.params,
      query: operation.query.optional(),
      ...(operation.body === undefined ? {} : { body: operation.body }),
      ...(operation.method === 'POST'
        ? { idempotencyKey: ApiNatsRequest.shape.idempotencyKey.unwrap() }
        : {}),
    });
    exchanges[`api.${name}`] = {
      address: apiSubject(name),
      description: `${operation.summary}. The same as ${operation.method} ${operation.path}.`,
      action: 'receive',
      payload: components.of(request, 'input'),
      reply: { anyOf: [components.of(operation.out, 'output'), components.of(ApiErrorBody, 'output')] },
    };
  }
  return exchanges;
}
