import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { auditVerify, exportAnchors } from '../audit.js';
import { appendContract } from './append-contract.js';
import { editsContract } from './edits-contract.js';
import type { LogUnderTest } from './log-under-test.js';
import { newEvents } from './new-events.js';
import { readingContract } from './reading-contract.js';
import { subscriptionContract } from './subscription-contract.js';

/**
 * The specs that every adapter of the event log must pass, whatever its engine. Run it in the adapter's `.int.spec.ts`, beside
 * `eventLogKillContract`.
 *
 * @param make opens an empty log for each test
 */
export function eventLogContract(name: string, make: () => Promise<LogUnderTest>): void {
  describe(`the event log on ${name}`, () => {
    let under: LogUnderTest;
    beforeEach(async () => {
      under = await make();
    });
    afterEach(() => under.destroy());

    describe('append', () => appendContract(() => under));
    describe('reading', () => readingContract(() => under));
    describe('an audit', () => editsContract(() => under));
    describe('a subscription', () => subscriptionContract(() => under));

    it('chains each stream, and verifies it after reopening', async () => {
      await under.log.append('a', newEvents(3), 'no-stream');
      await under.log.append('b', newEvents(1), 'no-stream');
      await under.log.append('a', newEvents(2), 2);
      const anchors = await exportAnchors(under.log);
      const log = await under.reopen();
      await log.append('a', newEvents(1), 4);
      expect(await auditVerify(log, anchors)).toEqual({ events: 7, streams: 2, findings: [] });
    });

    it('refuses use after it was closed, and may be closed twice', async () => {
      const { log } = under;
      await under.reopen();
      await log.close();
      await expect(log.append('a', newEvents(1), 'no-stream')).rejects.toMatchObject({ code: 'LL-LOG-005' });
      await expect(log.head()).rejects.toMatchObject({ code: 'LL-LOG-005' });
    });
  });
}
