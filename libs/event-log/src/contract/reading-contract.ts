import { beforeEach, expect, it } from '@jest/globals';
import { type LogUnderTest, all, revisions } from './log-under-test.js';
import { newEvents } from './new-events.js';

export function readingContract(under: () => LogUnderTest): void {
  beforeEach(async () => {
    await under().log.append('a', newEvents(5), 'no-stream');
    await under().log.append('b', newEvents(2), 'no-stream');
  });

  it('of a stream goes forwards and backwards, with bounds', async () => {
    const { log } = under();
    expect(await revisions(log.readStream('a', { from: 1, to: 3 }))).toEqual([1, 2, 3]);
    expect(await revisions(log.readStream('a', { from: 3 }))).toEqual([3, 4]);
    expect(await revisions(log.readStream('a', { from: 9 }))).toEqual([]);
    expect(await revisions(log.readStream('a', { direction: 'backwards' }))).toEqual([4, 3, 2, 1, 0]);
    expect(await revisions(log.readStream('a', { direction: 'backwards', from: 3, to: 2 }))).toEqual([3, 2]);
    expect(await revisions(log.readStream('nowhere'))).toEqual([]);
  });

  it('of all streams goes in order of position, after a position, backwards, and up to a limit', async () => {
    const { log } = under();
    const everything = await all(log.readAll());
    expect(everything.map(({ stream }) => stream)).toEqual(['a', 'a', 'a', 'a', 'a', 'b', 'b']);
    const after = everything[2]?.position ?? '';
    expect(await all(log.readAll({ after }))).toEqual(everything.slice(3));
    expect(await all(log.readAll({ after, limit: 2 }))).toEqual(everything.slice(3, 5));
    expect(await all(log.readAll({ limit: 0 }))).toEqual([]);
    expect(await all(log.readAll({ direction: 'backwards' }))).toEqual(everything.toReversed());
    expect(await all(log.readAll({ direction: 'backwards', after, limit: 1 }))).toEqual([everything[1]]);
  });

  it('after an event that the log does not have, or no longer, is refused', async () => {
    const { log } = under();
    const after = String(Number(await log.head()) + 1);
    await expect(all(log.readAll({ after }))).rejects.toMatchObject({ code: 'LL-LOG-011' });
    const onEvents = () => Promise.reject(new Error('there is none'));
    const following = log.subscribe({ after, onEvents, signal: new AbortController().signal });
    await expect(following).rejects.toMatchObject({ code: 'LL-LOG-011' });
  });

  it('of more than a page loses and duplicates nothing in either direction', async () => {
    const { log } = under();
    await log.append('c', newEvents(2500), 'no-stream');
    const numbers = Array.from({ length: 2500 }, (_, n) => n);
    expect(await revisions(log.readStream('c'))).toEqual(numbers);
    expect(await revisions(log.readStream('c', { direction: 'backwards' }))).toEqual(numbers.toReversed());
    const everything = await all(log.readAll());
    expect(everything).toHaveLength(2507);
    expect(await all(log.readAll({ direction: 'backwards' }))).toEqual(everything.toReversed());
    expect(await all(log.readAll({ limit: 1501 }))).toEqual(everything.slice(0, 1501));
  });

  it('for long does not block other work', async () => {
    const { log } = under();
    await log.append('c', newEvents(2500), 'no-stream');
    let turns = 0;
    const ticking = setInterval(() => (turns += 1), 0);
    await all(log.readAll());
    clearInterval(ticking);
    expect(turns).toBeGreaterThan(0);
  });

  it('lists the heads', async () => {
    const { log } = under();
    await log.append('a-b', newEvents(1), 'no-stream');
    const everything = await all(log.readAll());
    expect(await log.head()).toBe(everything.at(-1)?.position);
    const a = { stream: 'a', revision: 4, hash: everything[4]?.hash };
    const b = { stream: 'b', revision: 1, hash: everything[6]?.hash };
    const ab = { stream: 'a-b', revision: 0, hash: everything[7]?.hash };
    expect(await log.streamHead('a')).toEqual(a);
    expect(await log.streamHead('nowhere')).toBeUndefined();
    expect(await Array.fromAsync(log.listStreams())).toEqual([a, ab, b]);
    expect(await Array.fromAsync(log.listStreams('a'))).toEqual([a, ab]);
    expect(await Array.fromAsync(log.listStreams('a-'))).toEqual([ab]);
    expect(await Array.fromAsync(log.listStreams('z'))).toEqual([]);
  });

  it('after an invalid position is an error, not an empty result', async () => {
    const { log } = under();
    for (const after of ['', 'x', '-1', '1.5'])
      await expect(all(log.readAll({ after }))).rejects.toMatchObject({ code: 'LL-LOG-007' });
  });

  it('beside the owner shows its events, but cannot append', async () => {
    const reader = await under().openReader();
    await under().log.append('b', newEvents(1), 1);
    expect(await all(reader.readAll())).toEqual(await all(under().log.readAll()));
    await expect(reader.append('b', newEvents(1), 2)).rejects.toMatchObject({ code: 'LL-LOG-005' });
    await reader.close();
  });
}
