import { describe, expect, it } from '@jest/globals';
import { drawnRecords, vmRecord } from '@ledgerlift/testing';
import { dns1123Label } from '../names.js';
import { summaryOf } from './summary.js';
import { targetVm } from './target-vm.js';

const MiB = 2 ** 20;
const drawn = drawnRecords(17, dns1123Label, ['vms']).map(({ title, record, findings }) => ({
  title,
  record,
  ...summaryOf(record, targetVm(record, findings)),
}));

describe('a VM at its source and at its target', () => {
  it.each(drawn)('are one in all that matters: $title', ({ record, source, target }) => {
    const hasType = record.machine?.instanceType !== undefined;
    expect(target.cpus).toBe(hasType ? undefined : Math.max(1, source.cpus ?? 0));
    expect(target.memoryBytes).toBe(hasType ? undefined : source.memoryBytes);
    expect(target.instanceType).toBe(record.machine?.instanceType?.name);
    expect(target.firmware).toBe(source.firmware);
    // A guest that was looked into is what was found in it.
    if (source.os !== 'unknown') expect(target.os).toBe(source.os);
    expect(target.diskBytes).toHaveLength(source.diskBytes.length);
    for (const [index, bytes] of source.diskBytes.entries()) {
      expect(target.diskBytes[index]).toBeGreaterThanOrEqual(bytes);
      expect(target.diskBytes[index]).toBeLessThanOrEqual(bytes + MiB);
    }
    expect(new Set(target.claims).size).toBe(source.diskBytes.length);
    const ignored = record.nics.filter(({ network }) => network === null);
    expect(target.networks).toHaveLength(source.networks.length - ignored.length);
  });

  it('are told in full', () => {
    const record = vmRecord({ disks: 2, vm: { firmware: 'efi', secureBoot: true, tpm: true } });
    expect(summaryOf(record, targetVm(record))).toEqual({
      source: {
        ...{
          cpus: 1,
          memoryBytes: 1024 * MiB,
          firmware: 'efi, secure boot, TPM',
          os: record.source.vm.os.family,
        },
        ...{ diskBytes: [1024 * MiB, 2048 * MiB], networks: ['VM Network'] },
      },
      target: {
        ...{
          cpus: 1,
          memoryBytes: 1024 * MiB,
          firmware: 'efi, secure boot, TPM',
          os: record.source.vm.os.family,
        },
        ...{ diskBytes: [1024 * MiB, 2048 * MiB], networks: ['pod'] },
        ...{ claims: ['web-disk-0', 'web-disk-1'], instanceType: undefined },
      },
    });
  });
});
