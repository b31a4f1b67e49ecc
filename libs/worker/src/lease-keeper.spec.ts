import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { LeaseAnswer } from '@ledgerlift/contracts';
import { LeaseKeeper } from './lease-keeper.js';

const renewed: LeaseAnswer = { answer: 'renewed', leaseMs: 900, lastReport: 0 };
const stop: LeaseAnswer = { answer: 'stop', reason: 'canceled', lastReport: 0 };

function keep(ask: () => Promise<LeaseAnswer>, grantedAt = performance.now()) {
  const seen = {
    asked: [] as number[],
    answers: [] as LeaseAnswer[],
    lostAt: undefined as number | undefined,
  };
  const keeper = new LeaseKeeper({
    ask: () => {
      seen.asked.push(performance.now());
      return ask();
    },
    leaseMs: 900,
    grantedAt,
    onAnswer: (answer) => seen.answers.push(answer),
    onLost: () => {
      seen.lostAt = performance.now();
    },
  });
  keeper.start();
  return { keeper, seen };
}

const later = (ms: number) => new Promise<LeaseAnswer>((resolve) => setTimeout(resolve, ms, renewed));

beforeEach(() => {
  jest.useFakeTimers({ now: 0 });
});
afterEach(() => {
  jest.useRealTimers();
});

describe('a lease', () => {
  it('is renewed after each third of its time', async () => {
    const { keeper, seen } = keep(async () => renewed);
    await jest.advanceTimersByTimeAsync(1000);
    expect(seen.asked).toEqual([300, 600, 900]);
    expect(seen.lostAt).toBeUndefined();
    keeper.close();
  });

  it('is lost at four fifths of its time if several requests get no answer', async () => {
    const { seen } = keep(() => Promise.reject(new Error('nobody')));
    await jest.advanceTimersByTimeAsync(5000);
    expect(seen.lostAt).toBe(720);
    expect(seen.asked.length).toBeGreaterThan(3);
    expect(seen.asked.at(-1)).toBeLessThan(720);
  });

  it('counts from the request, not from the answer', async () => {
    let first = true;
    const { seen } = keep(() => {
      if (!first) return Promise.reject(new Error('nobody'));
      first = false;
      return later(200);
    });
    await jest.advanceTimersByTimeAsync(5000);
    // Asked at 300, answered at 500.
    expect(seen.lostAt).toBe(300 + 720);
  });

  it('is lost at once if the grant itself took too long', () => {
    const { seen } = keep(async () => renewed, -720);
    expect(seen.lostAt).toBe(0);
  });

  it('stays lost if the answer comes too late', async () => {
    const { seen } = keep(() => later(600));
    await jest.advanceTimersByTimeAsync(5000);
    expect(seen.lostAt).toBe(720);
    expect(seen.answers).toEqual([]);
  });

  it('cannot be lost after a stop, because the I/O ends anyway', async () => {
    let answered = false;
    const { keeper, seen } = keep(() => {
      if (answered) return Promise.reject(new Error('nobody'));
      answered = true;
      return Promise.resolve(stop);
    });
    await jest.advanceTimersByTimeAsync(5000);
    expect(seen.answers).toEqual([stop]);
    expect(seen.lostAt).toBeUndefined();
    keeper.close();
  });
});
