import { type ServiceName, siteOfPod, streams, subjects } from '@ledgerlift/contracts';
import type { NatsConnection } from '@nats-io/nats-core';

/** The most bytes of one message, headers included. The limit is unknown before the first connection. */
export const maxPayload = ({ info }: Pick<NatsConnection, 'info'>): number =>
  info?.max_payload ?? Number.POSITIVE_INFINITY;

/**
 * Ledgerlift's streams and consumers on NATS, limited to the features of nats-server 2.9: no metadata, one filter for each
 * consumer, no reason on a termination.
 */

const seconds = 1_000_000_000;
const days = 24 * 60 * 60 * seconds;

export interface StreamSpec {
  readonly name: string;
  readonly subjects: readonly string[];
  /** In nanoseconds, as in JetStream. */
  readonly maxAge: number;
}

export const streamSpecs: readonly StreamSpec[] = [
  { ...streams.events, maxAge: 7 * days },
  // If its worker has ended, the result of a step is only here, so it is kept for as long as a planner may be away.
  { ...streams.reports, maxAge: 30 * days },
  { ...streams.inbox, maxAge: 7 * days },
  { ...streams.dead, maxAge: 30 * days },
];

/** Time within which messages with the same `Nats-Msg-Id` are stored once. */
export const duplicateWindow = 120 * seconds;

/** A durable pull consumer: which messages it gets, and their content. */
export interface ConsumerSpec {
  readonly stream: string;
  /** Processes with the same durable name share its messages. */
  readonly durable: string;
  readonly filter: string;
  /**
   * Event types (`StepRequested`) with the newest version that this program reads; absent if the messages are plain JSON rather
   * than CloudEvents.
   */
  readonly reads?: Readonly<Record<string, number>>;
  /** A message without an ack for this long is delivered again. A handler that runs longer extends the time. */
  readonly ackWaitMs: number;
  /** The server deletes the consumer after this time without a pull; absent: never. */
  readonly inactiveMs?: number;
}

const ackWaitMs = 30_000;
/** A free worker pulls every few seconds. A busy one may lose its consumer, and creates it again. */
const POD_INACTIVE_MS = 10 * 60_000;

/**
 * Step requests to one service at one site, shared by all its workers.
 * @param site may be a pod's, `{site}.{pod}`: then the consumer expires after the pod
 */
export const stepRequestConsumer = (service: ServiceName, site: string): ConsumerSpec => ({
  stream: streams.events.name,
  // A consumer's name must not have dots, and a site's name never has underscores.
  durable: `${service}-${site.replaceAll('.', '_')}`,
  filter: subjects.stepRequestsFor(service, site),
  reads: { StepRequested: 1 },
  ackWaitMs,
  ...(siteOfPod(site) === undefined ? {} : { inactiveMs: POD_INACTIVE_MS }),
});

/** Step requests to the pods of a site, for the service that makes pods; the pod itself claims the request. */
export const podRequestConsumer = (site: string): ConsumerSpec => ({
  stream: streams.events.name,
  durable: `pods-${site}`,
  filter: subjects.podRequestsFor(site),
  reads: { StepRequested: 1 },
  // Making a pod takes seconds, but an API server may be slow.
  ackWaitMs: 120_000,
});

/** Workers' reports, for the planner. */
export const reportConsumer: ConsumerSpec = {
  stream: streams.reports.name,
  durable: 'planner-reports',
  filter: subjects.reports,
  reads: { StepReported: 1 },
  // Short, because the next planner waits this long for messages that a killed planner had pulled.
  ackWaitMs: 5000,
};

/** Unreadable messages, for the planner: a dead request ends its attempt. */
export const deadLetterConsumer: ConsumerSpec = {
  stream: streams.dead.name,
  durable: 'planner-dead',
  filter: subjects.dead('>'),
  ackWaitMs,
};

/** Permissions of a NATS user, as in a user JWT. */
export interface BusPermissions {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

/**
 * The subjects that the workers of one pod need, each found by running a worker without it. NATS refuses all others.
 *
 * The filter in the subject that creates its consumer limits a pod to its own requests: nats-server refuses a request whose
 * body has another filter, or several (nats-server 2.9, server/jetstream_api.go, `jsConsumerCreateRequest`).
 *
 * @param stream the VM that the pod works on
 * @param site the pod's own, `{site}.{pod}`
 * @param services that its workers run
 * @param inboxPrefix of the subjects of its replies; no other user's inbox may begin with it
 */
export function podPermissions(
  stream: string,
  site: string,
  services: readonly ServiceName[],
  inboxPrefix: string,
): BusPermissions {
  const events = streams.events.name;
  const consuming = services.flatMap((service) => {
    const { durable, filter } = stepRequestConsumer(service, site);
    return [
      `$JS.API.CONSUMER.CREATE.${events}.${durable}.${filter}`,
      `$JS.API.CONSUMER.MSG.NEXT.${events}.${durable}`,
      // One reply to each message is allowed anyway, but a worker that holds a request sends several `in progress` acks.
      `$JS.ACK.${events}.${durable}.>`,
    ];
  });
  return {
    publish: [
      ...consuming,
      subjects.claim(stream),
      subjects.lease(stream),
      subjects.reportNow(stream),
      subjects.report(stream),
      subjects.progress(stream),
      // For unreadable requests; the planner accepts these for that VM only.
      subjects.deadOf(events, stream),
    ],
    subscribe: [
      `${inboxPrefix}.>`,
      subjects.stop(stream),
      ...services.map((service) => subjects.capabilities(service, site)),
    ],
  };
}
