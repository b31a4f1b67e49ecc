import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { auditVerify } from '../audit.js';
import type { EventLog, StoredEvent } from '../port.js';
import type { Acknowledged } from './append-until-killed.js';

/** A log to which a process beside the test appends. */
export interface KillableLog {
  /** Starts a process, with an IPC channel, that opens the log and calls `appendUntilKilled`. */
  startAppender(): ChildProcess;
  /** Opens the log after the process has exited. */
  open(): Promise<EventLog>;
  destroy(): Promise<void>;
}

const ROUNDS = 25;
const LONGEST_MS = 120;

/** The specs that must hold when an appending process is killed at any instruction. */
export function eventLogKillContract(name: string, make: () => Promise<KillableLog>): void {
  describe(`the event log on ${name}, when the process that appends is killed`, () => {
    let killable: KillableLog;
    beforeEach(async () => {
      killable = await make();
    });
    afterEach(() => killable.destroy());

    it(`keeps every acknowledged batch, and no half one, ${ROUNDS} times`, async () => {
      const acknowledged: Acknowledged[] = [];
      for (let round = 0; round < ROUNDS; round += 1) {
        acknowledged.push(...(await appendAndKill(killable.startAppender())));
        const log = await killable.open();
        const sizes = await sizesOfBatches(log);
        expect(acknowledged.filter(({ batch, size }) => sizes.get(batch) !== size)).toEqual([]);
        if (round === ROUNDS - 1) expect((await auditVerify(log)).findings).toEqual([]);
        await log.close();
      }
      expect(acknowledged.length).toBeGreaterThan(ROUNDS);
    }, 120_000);
  });
}

async function appendAndKill(child: ChildProcess): Promise<readonly Acknowledged[]> {
  const acknowledged: Acknowledged[] = [];
  const exited = once(child, 'exit');
  const [first] = await Promise.race([once(child, 'message'), exited]);
  if (first !== 'open') throw new Error(`the appender ended by itself, with exit code ${String(first)}`);
  child.on('message', (message) => acknowledged.push(message as Acknowledged));
  await new Promise((resolve) => setTimeout(resolve, Math.random() * LONGEST_MS));
  child.kill('SIGKILL');
  await exited;
  return acknowledged;
}

/** @throws if there is half a batch */
async function sizesOfBatches(log: EventLog): Promise<ReadonlyMap<string, number>> {
  const batches = Map.groupBy(await Array.fromAsync(log.readAll()), ({ correlationId }) => correlationId);
  return new Map([...batches].map(([batch, events]) => [batch, wholeSize(events)]));
}

function wholeSize(events: readonly StoredEvent[]): number {
  const [first] = events;
  expect(first?.data).toMatchObject({ size: events.length });
  return events.length;
}
