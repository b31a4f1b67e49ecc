import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { fairShares } from './bandwidth.js';

describe('a bandwidth budget', () => {
  it('is divided equally among copies that want all they can get', () =>
    expect([...fairShares(100, [{ key: 'a' }, { key: 'b' }])]).toEqual([
      ['a', 50],
      ['b', 50],
    ]));

  it('gives what one copy does not want to the others', () =>
    expect(fairShares(100, [{ key: 'a', limit: 10 }, { key: 'b' }, { key: 'c' }])).toEqual(
      new Map([
        ['a', 10],
        ['b', 45],
        ['c', 45],
      ]),
    ));

  it('that is not set leaves each copy its own limit', () =>
    expect(fairShares(undefined, [{ key: 'a', limit: 10 }, { key: 'b' }])).toEqual(
      new Map([
        ['a', 10],
        ['b', undefined],
      ]),
    ));

  it('is never exceeded, and is used up if there is demand', () => {
    const copies = fc
      .array(fc.option(fc.integer({ min: 1, max: 1000 }), { nil: undefined }), {
        minLength: 1,
        maxLength: 20,
      })
      .map((wants) =>
        wants.map((limit, key) => ({ key: String(key), ...(limit === undefined ? {} : { limit }) })),
      );
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 5000 }), copies, (total, running) => {
        const shares = fairShares(total, running);
        const sum = [...shares.values()].reduce<number>((all, share = 0) => all + share, 0);
        const wanted = running.reduce((all, { limit = Infinity }) => all + limit, 0);
        expect(sum).toBeLessThanOrEqual(total);
        expect(sum).toBeGreaterThanOrEqual(Math.min(total, wanted) - running.length);
        for (const { key, limit = Infinity } of running) expect(shares.get(key)).toBeLessThanOrEqual(limit);
      }),
    );
  });
});
