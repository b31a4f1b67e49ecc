import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { newEvents, openTemporaryLog } from '../contract/index.js';

describe('appends that share a transaction', () => {
  let under: Awaited<ReturnType<typeof openTemporaryLog>>;
  let db: DatabaseSync;
  beforeEach(async () => {
    under = await openTemporaryLog();
    db = new DatabaseSync(under.path);
  });
  afterEach(async () => {
    db.close();
    await under.destroy();
  });

  it('are those requested at the same time', async () => {
    const sizes: number[] = [];
    const stop = new AbortController();
    const following = under.log.subscribe({
      onEvents: (events) => {
        sizes.push(events.length);
      },
      signal: stop.signal,
    });
    await Promise.all(
      Array.from({ length: 50 }, (_, n) => under.log.append(`s-${n}`, newEvents(1), 'no-stream')),
    );
    await under.log.append('s-0', newEvents(1), 0);
    stop.abort();
    await following;
    expect(sizes).toEqual([50, 1]);
  });

  it('do not fail because the engine refuses one of them', async () => {
    db.exec(
      "CREATE TRIGGER refuse BEFORE INSERT ON events WHEN new.stream = 'b' BEGIN SELECT RAISE(ABORT, 'no room'); END",
    );
    const settled = await Promise.allSettled(
      ['a', 'b', 'c'].map((stream) => under.log.append(stream, newEvents(2), 'no-stream')),
    );
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(settled[1]).toMatchObject({ reason: { code: 'LL-LOG-006', failure: 'transient', stream: 'b' } });
    const stored = (await Array.fromAsync(under.log.readAll())).map(({ stream }) => stream);
    expect(stored).toEqual(['a', 'a', 'c', 'c']);
  });

  it('may be repeated after the engine failed', async () => {
    const events = newEvents(2);
    db.exec('BEGIN IMMEDIATE');
    await expect(under.log.append('a', events, 'no-stream')).rejects.toMatchObject({ code: 'LL-LOG-006' });
    db.exec('ROLLBACK');
    expect(await under.log.append('a', events, 'no-stream')).toMatchObject({ outcome: 'appended' });
  });

  it('are on disk if the log is closed while they wait', async () => {
    const { log } = under;
    const appending = Promise.all(['a', 'b'].map((stream) => log.append(stream, newEvents(3), 'no-stream')));
    await log.close();
    expect(await appending).toHaveLength(2);
    expect(await Array.fromAsync((await under.reopen()).readAll())).toHaveLength(6);
  });
});
