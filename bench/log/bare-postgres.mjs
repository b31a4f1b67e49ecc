import pg from 'pg';
import { bareRow } from './events.mjs';

const PAGE = 500;
const COLUMNS = 'stream, revision, id, hash, content';

/** pg as one would use it by hand: prepared statements, one round trip for each transaction, LISTEN and NOTIFY. */
export async function barePostgres(url) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(`CREATE TABLE events (position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, stream text COLLATE "C" NOT NULL,
    revision bigint NOT NULL, id text COLLATE "C" NOT NULL UNIQUE, hash text NOT NULL, content text NOT NULL, UNIQUE (stream, revision))`);
  const one = { name: 'one', text: `INSERT INTO events (${COLUMNS}) VALUES ($1, $2, $3, $4, $5)` };
  const noticed = {
    name: 'noticed',
    text: `WITH event AS (INSERT INTO events (${COLUMNS}) VALUES ($1, $2, $3, $4, $5)) SELECT pg_notify('events', '')`,
  };
  const many = {
    name: 'many',
    text: `INSERT INTO events (${COLUMNS}) SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[])`,
  };
  const after = {
    name: 'after',
    text: 'SELECT * FROM events WHERE position > $1 ORDER BY position LIMIT $2',
  };
  const page = async (last) => {
    const { rows } = await client.query({ ...after, values: [last, PAGE] });
    return rows.map((row) => ({ ...row, ...JSON.parse(row.content) }));
  };
  let isFollowed = false;
  return {
    append: (place) => client.query({ ...(isFollowed ? noticed : one), values: bareRow(place) }),
    appendGroup(places) {
      const rows = places.map(bareRow);
      return client.query({
        ...many,
        values: [0, 1, 2, 3, 4].map((column) => rows.map((row) => row[column])),
      });
    },
    async *readAll() {
      for (let last = 0; ;) {
        const events = await page(last);
        yield* events;
        if (events.length < PAGE) return;
        last = events.at(-1).position;
      }
    },
    async follow(signal, onEvents, onCaughtUp) {
      isFollowed = true;
      const listener = new pg.Client({ connectionString: url });
      await listener.connect();
      let wake = () => undefined;
      let isNew = true;
      const woken = () => {
        isNew = true;
        wake();
      };
      listener.on('notification', woken);
      signal.addEventListener('abort', woken);
      await listener.query('LISTEN events');
      for (let last = 0; !signal.aborted;) {
        isNew = false;
        const { rows } = await listener.query({ ...after, values: [last, PAGE] });
        if (rows.length > 0) {
          onEvents(rows.map((row) => ({ ...row, ...JSON.parse(row.content) })));
          last = rows.at(-1).position;
          continue;
        }
        onCaughtUp();
        if (!isNew) await new Promise((resolve) => (wake = resolve));
      }
      await listener.end();
    },
    close: () => client.end(),
  };
}
