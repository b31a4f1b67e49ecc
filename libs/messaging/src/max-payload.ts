import type { NatsConnection } from '@nats-io/nats-core';

/** How many bytes the server takes in one message, headers included; no limit is known before it was connected to. */
export const maxPayload = ({ info }: Pick<NatsConnection, 'info'>): number =>
  info?.max_payload ?? Number.POSITIVE_INFINITY;
