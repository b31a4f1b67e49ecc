import { describe, expect, it } from '@jest/globals';
import type { Progress } from '@ledgerlift/contracts';
import { shareOf } from './vm.js';

const progress = (...items: Progress['items']): Progress => ({
  ref: { stream: 'vm-m-0', step: 'DiskTransfer', attempt: 1, worker: 'w' },
  items,
  message: '',
  at: '2026-11-23T12:00:00.000Z',
});
const bytes = (done: number, total: number) => ({ name: 'disk', done, total, unit: 'bytes' }) as const;

describe('the share of the current step that is done', () => {
  it('is that of the bytes of all disks', () => {
    expect(shareOf(progress(bytes(10, 100), bytes(90, 300)))).toBe(0.25);
  });
  it('is percent where no bytes are told', () => {
    expect(shareOf(progress({ name: 'conversion', done: 30, total: 100, unit: 'percent' }))).toBe(0.3);
  });
  it('never passes the whole, and is none where nothing is told', () => {
    expect(shareOf(progress(bytes(500, 100)))).toBe(1);
    expect(shareOf(progress(bytes(0, 0)))).toBe(0);
    expect(shareOf(undefined)).toBe(0);
  });
});
