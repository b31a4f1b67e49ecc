import { type ServiceName, siteOfPod, streams, subjects } from '@ledgerlift/contracts';

/**
 * The streams and consumers that Ledgerlift has on NATS, in the terms of nats-server 2.9: no metadata, no several
 * filters on one consumer, no reason on a termination.
 */

const seconds = 1_000_000_000;
const days = 24 * 60 * 60 * seconds;

export interface StreamSpec {
  readonly name: string;
  readonly subjects: readonly string[];
  /** Nanoseconds, as JetStream has it. */
  readonly maxAge: number;
}

export const streamSpecs: readonly StreamSpec[] = [
  { ...streams.events, maxAge: 7 * days },
  // The result of a step whose worker has gone since stands only here: kept for as long as a planner may be away.
  { ...streams.reports, maxAge: 30 * days },
  { ...streams.inbox, maxAge: 7 * days },
  { ...streams.dead, maxAge: 30 * days },
];

/** Messages within it that carry the same `Nats-Msg-Id` are stored once. */
export const duplicateWindow = 120 * seconds;

/** Which messages a durable pull consumer gets, and what they hold. */
export interface ConsumerSpec {
  readonly stream: string;
  /** Those who name the same durable share its messages. */
  readonly durable: string;
  readonly filter: string;
  /**
   * Event types (`StepRequested`) with the newest version that this program reads; absent where the messages are
   * plain JSON and no CloudEvents.
   */
  readonly reads?: Readonly<Record<string, number>>;
  /** What waits longer for its ack is delivered again; a handler that runs longer says so before that. */
  readonly ackWaitMs: number;
  /** A consumer that nobody pulled from for so long goes away by itself; absent: it stays. */
  readonly inactiveMs?: number;
}

const ackWaitMs = 30_000;
/** A worker that is free pulls every few seconds. A busy one may lose its consumer: it makes it again. */
const POD_INACTIVE_MS = 10 * 60_000;

/**
 * What one service at one site is asked to do; all its workers share it.
 * @param site of a pod, `{site}.{pod}`: pods come and go, and their consumers go after them
 */
export const stepRequestConsumer = (service: ServiceName, site: string): ConsumerSpec => ({
  stream: streams.events.name,
  // A consumer's name has no dots, and a site's no underscores.
  durable: `${service}-${site.replaceAll('.', '_')}`,
  filter: subjects.stepRequestsFor(service, site),
  reads: { StepRequested: 1 },
  ackWaitMs,
  ...(siteOfPod(site) === undefined ? {} : { inactiveMs: POD_INACTIVE_MS }),
});

/** What the pods of a site are asked for: whoever makes them sees every request, and the pod itself claims it. */
export const podRequestConsumer = (site: string): ConsumerSpec => ({
  stream: streams.events.name,
  durable: `pods-${site}`,
  filter: subjects.podRequestsFor(site),
  reads: { StepRequested: 1 },
  // A pod is made within seconds, but an API server may keep one waiting.
  ackWaitMs: 120_000,
});

/** What workers say happened, for the planner. */
export const reportConsumer: ConsumerSpec = {
  stream: streams.reports.name,
  durable: 'planner-reports',
  filter: subjects.reports,
  reads: { StepReported: 1 },
  // Short: what a planner had taken when it was killed keeps the one after it waiting for as long.
  ackWaitMs: 5000,
};

/** What could not be understood, for the planner: a dead request ends its attempt. */
export const deadLetterConsumer: ConsumerSpec = {
  stream: streams.dead.name,
  durable: 'planner-dead',
  filter: subjects.dead('>'),
  ackWaitMs,
};
