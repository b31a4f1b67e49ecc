import { describe, expect, it } from '@jest/globals';
import { Turns } from './consolidation.js';

const never = new AbortController().signal;
const soon = () => new Promise((resolve) => setTimeout(resolve, 5));

describe('turns at a datastore', () => {
  it('are given to so many disks at a time, in the order in which they came', async () => {
    const turns = new Turns(4);
    const order: string[] = [];
    const first = await turns.take(3, never);
    const large = turns.take(9, never).then((back) => (order.push('large'), back));
    const small = turns.take(1, never).then((back) => (order.push('small'), back));
    await soon();
    expect(order).toEqual([]);
    first();
    (await large)();
    (await small)();
    expect(order).toEqual(['large', 'small']);
  });

  it('are left by who is cancelled, and lost by nobody', async () => {
    const turns = new Turns(1);
    const first = await turns.take(1, never);
    const cancel = new AbortController();
    const waiting = turns.take(1, cancel.signal);
    const next = turns.take(1, never);
    cancel.abort(new Error('cancelled'));
    await expect(waiting).rejects.toThrow('cancelled');
    first();
    (await next)();
    await expect(turns.take(1, AbortSignal.abort(new Error('late')))).rejects.toThrow('late');
    (await turns.take(1, never))();
  });
});
