import { describe, expect, it } from '@jest/globals';
import { eventSchemas, upcast } from '../index.js';

const spec = { name: 'lab', type: 'lab', sites: ['local'], settings: { url: 'http://127.0.0.1:7430' } };
const ova = { name: 'files', type: 'ova', sites: ['local'], settings: { path: '/ovas' } };

describe('a lab provider in the log of an older version', () => {
  it.each(['ProviderCreated', 'ProviderUpdated'] as const)('is an extension when %s is read', (type) => {
    const { version, data } = eventSchemas[type];
    const read = upcast(type, 1, version, { providerId: 'p1', spec });
    expect(data.parse(read)).toEqual({ providerId: 'p1', spec: { ...spec, type: 'x-lab' } });
  });

  it('leaves other providers as they are', () => {
    const was = { providerId: 'p1', spec: ova };
    expect(upcast('ProviderCreated', 1, eventSchemas.ProviderCreated.version, was)).toBe(was);
  });

  it('becomes an extension in the record of a retry, with its disks', () => {
    const disks = [{ id: 'disk-0', backing: { kind: 'lab', vmId: 'vm-1' } }];
    const recordOf = (spec: object, disks: readonly object[]) => ({
      targetName: 'web',
      source: { provider: { id: 'p1', spec }, vm: { id: 'vm-1', disks } },
    });
    const was = { step: 'DiskTransfer', record: recordOf(spec, disks) };
    expect(upcast('RetryRequested', 2, eventSchemas.RetryRequested.version, was)).toEqual({
      step: 'DiskTransfer',
      record: recordOf({ ...spec, type: 'x-lab' }, [
        { id: 'disk-0', backing: { kind: 'extension', data: { vmId: 'vm-1' } } },
      ]),
    });
  });

  it('does not matter in a retry without a record', () => {
    const was = { step: 'DiskTransfer', reason: 'again' };
    expect(upcast('RetryRequested', 2, eventSchemas.RetryRequested.version, was)).toBe(was);
  });
});
