import { describe, expect, it } from '@jest/globals';
import { judged, type Observed } from './judged.js';

const event = (n: number, writer = 'w') => ({ id: `e${n}`, position: String(n), writer });
const whole: Observed = {
  log: [event(1), event(2), event(3)],
  acknowledged: [event(1), event(3)],
  refused: ['e9'],
  readers: [[event(1), event(2), event(3)]],
};
const kinds = (change: Partial<Observed>) => judged({ ...whole, ...change }).map(({ kind }) => kind);

describe('a log that was watched under faults', () => {
  it('is as it should be', () => expect(kinds({})).toEqual([]));

  it.each<readonly [string, Partial<Observed>, readonly string[]]>([
    ['lacks an acknowledged event', { acknowledged: [event(4)] }, ['lost']],
    ['has an event twice', { log: [...whole.log, { ...event(4), id: 'e2' }], readers: [] }, ['doubled']],
    ['has a gap', { log: [event(1), event(2), event(4)], acknowledged: [], readers: [] }, ['holes']],
    ['has what was refused', { refused: ['e2'] }, ['doubled']],
    ['has an event elsewhere than promised', { acknowledged: [{ id: 'e1', position: '2' }] }, ['reordered']],
    ['has two owners at a time', { log: [event(1, 'v'), event(2), event(3, 'v')] }, ['reordered']],
    ['filled a gap after a reader had passed it', { readers: [[event(1), event(3)]] }, ['holes']],
    ['gave a reader another order', { readers: [[event(1), event(3), event(2)]] }, ['holes', 'reordered']],
    ['gave a reader an event twice', { readers: [[...whole.log, event(3)]] }, ['doubled']],
    ['gave a reader what it has not', { readers: [[...whole.log, event(4)]] }, ['lost']],
    ['did not give a reader its end', { readers: [[event(1), event(2)]] }, ['holes']],
  ])('%s', (_, change, found) => expect(kinds(change)).toEqual(found));
});
