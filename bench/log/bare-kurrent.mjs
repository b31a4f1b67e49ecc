import { binaryEvent, KurrentDBClient, START, streamNameFilter } from '@kurrent/kurrentdb-client';
import { bareRow } from './events.mjs';

const PREFIX = 'bare-';

/** The client as one would use it by hand: one request for each append, $all with a filter, a subscription. */
export async function bareKurrent(url) {
  const client = KurrentDBClient.connectionString([url.replace(/\/log-[^?]*/, '')]);
  // Several measurements share the server, and each reads its own events only.
  const prefix = `${PREFIX}${new URL(url).pathname.slice(1)}.`;
  const filter = streamNameFilter({ prefixes: [prefix] });
  const recordOf = (place) => {
    const [stream, , id, hash, content] = bareRow(place);
    const record = { id, type: 'event', data: Buffer.from(content), metadata: { hash } };
    return { streamName: `${prefix}${stream}`, record: binaryEvent(record) };
  };
  const eventOf = ({ event }) => ({
    ...JSON.parse(Buffer.from(event.data).toString()),
    position: event.position.commit,
  });
  return {
    append: (place) => client.appendRecords([recordOf(place)]),
    appendGroup: (places) => client.appendRecords(places.map(recordOf)),
    async *readAll() {
      for await (const resolved of client.readAll({ fromPosition: START, filter })) yield eventOf(resolved);
    },
    async follow(signal, onEvents, onCaughtUp) {
      const subscription = client.subscribeToAll({ fromPosition: START, filter });
      signal.addEventListener('abort', () => void subscription.unsubscribe());
      subscription.once('confirmation', onCaughtUp);
      for await (const resolved of subscription)
        if (resolved.event !== undefined) onEvents([eventOf(resolved)]);
    },
    close: () => client.dispose(),
  };
}
