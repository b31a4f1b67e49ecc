import { describe, expect, it } from '@jest/globals';
import { VmRecord } from '@ledgerlift/contracts';
import { factsWith, resolvePlan, vm } from '@ledgerlift/planning/spec';
import { retryRecord } from './plan-runs.js';

const resolvedAs = (spec: object, settings: object = {}) => {
  const record = resolvePlan(factsWith([vm()], { spec, settings }), 'lab', [])?.vms[0];
  if (record === undefined) throw new Error('the fixture resolves');
  return record;
};
const was = VmRecord.parse({ ...resolvedAs({}), migrationId: 'm1', index: 3 });

describe('a retry', () => {
  it('goes on with what may have changed since', () => {
    const record = retryRecord(
      was,
      resolvedAs({ bandwidthLimit: 1000, retry: { maxRetries: 9 }, labels: { a: 'b' } }),
    );
    expect(record).toMatchObject({
      migrationId: 'm1',
      index: 3,
      labels: { a: 'b' },
      settings: { bandwidthLimit: 1000 },
    });
  });

  it.each([
    ['targetNamespace', resolvedAs({ targetNamespace: 'other' })],
    ['targetName', resolvedAs({ vms: [{ ref: 'web', targetName: 'www' }] })],
    ['target.settings', resolvedAs({}, { path: '/elsewhere' })],
    ['disks', resolvedAs({}, { diskFormat: 'raw' })],
    ['skipGuestConversion', resolvedAs({ skipGuestConversion: true })],
    ['bootProof', resolvedAs({ bootProof: true })],
  ])('is refused when %s has changed', (field, now) => {
    expect(() => retryRecord(was, now)).toThrow(expect.objectContaining({ code: 'LL-PLN-111', field }));
  });
});
