import { type ServiceName, streams, subjects } from '@ledgerlift/contracts';
import { stepRequestConsumer } from './topology.js';

/** What a NATS user may do, in the terms of a user JWT. */
export interface BusPermissions {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

/**
 * The subjects that the workers of one pod need, each found by running a worker without it; all else is refused by NATS.
 *
 * What keeps a pod to its own requests is the filter in the subject that makes its consumer: nats-server refuses a request
 * whose body has another filter, or several (nats-server 2.9, server/jetstream_api.go, `jsConsumerCreateRequest`).
 *
 * @param stream the VM that the pod works on
 * @param site the pod's own, `{site}.{pod}`
 * @param services what its workers are
 * @param inboxPrefix where answers come to; nobody else's may begin with it
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
      // One answer to each message is allowed anyway; while a request is kept, NATS is told so again and again.
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
      // A request that it cannot understand; the planner takes it for that VM only.
      subjects.deadOf(events, stream),
    ],
    subscribe: [
      `${inboxPrefix}.>`,
      subjects.stop(stream),
      ...services.map((service) => subjects.capabilities(service, site)),
    ],
  };
}
