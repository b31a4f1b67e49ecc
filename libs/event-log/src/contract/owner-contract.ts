import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import type { OpenLogOptions } from '../open.js';
import type { EventLog } from '../port.js';
import { revisions } from './log-under-test.js';
import { newEvents } from './new-events.js';

export interface OwnedLogUnderTest {
  /** Opens the test's log for appending, with a lease that nobody loses by being slow unless `leaseMs` says otherwise. */
  readonly open: (options?: OpenLogOptions) => Promise<EventLog>;
  /** Lets another process take over, as if the owner had been silent for its whole lease. */
  readonly endLease: () => Promise<void>;
}

/** What holds of the owner of a log that several machines can reach. */
export function ownerContract({ open, endLease }: OwnedLogUnderTest): void {
  it('keeps a second one waiting for as long as it lives, and lets it in at once when it closes', async () => {
    const leaseMs = 1500;
    const first = await open({ leaseMs });
    let waits = 0;
    const second = open({ onWaiting: () => (waits += 1) });
    await sleep(1.5 * leaseMs);
    expect(waits).toBe(1);
    await first.append('a', newEvents(1), 'no-stream');
    await first.close();
    await (await second).append('a', newEvents(1), 0);
    expect(await revisions((await second).readStream('a'))).toEqual([0, 1]);
  });

  it('can append nothing once another took over, and is told so', async () => {
    const told: string[] = [];
    const first = await open({ onLost: () => told.push('lost') });
    await first.append('a', newEvents(1), 'no-stream');
    await endLease();
    const second = await open();
    await second.append('a', newEvents(1), 0);
    const late = first.append('a', newEvents(1), 0);
    await expect(late).rejects.toMatchObject({ code: 'LL-LOG-010' });
    await expect(first.append('b', newEvents(1), 'no-stream')).rejects.toMatchObject({ code: 'LL-LOG-010' });
    // Nor does it answer by what it knew.
    await expect(first.append('a', newEvents(1), 7)).rejects.toMatchObject({ code: 'LL-LOG-010' });
    expect(told).toEqual(['lost']);
    expect([first.owns(), second.owns()]).toEqual([false, true]);
    expect(await revisions(first.readStream('a'))).toEqual([0, 1]);
    expect(await revisions(second.readStream('b'))).toEqual([]);
    await first.close();
    // Its close does not end the lease of the other.
    await expect(open({ signal: AbortSignal.timeout(500) })).rejects.toMatchObject({ name: 'TimeoutError' });
    await second.append('a', newEvents(1), 1);
  });
}
