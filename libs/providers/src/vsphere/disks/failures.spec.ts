import { describe, expect, it } from '@jest/globals';
import { LedgerliftError } from '@ledgerlift/contracts';
import { failureIn } from './failures.js';

const reading = {
  disk: 'Hard disk 1',
  file: '[ds] web/web.vmdk',
  way: 'VDDK',
  server: 'vcenter',
  secret: 'vcenter-login',
  privilege: 'VirtualMachine.Provisioning.DiskRandomRead',
};
const failure = (log: string, ended?: string): LedgerliftError => {
  const error = failureIn(log, ended, reading);
  if (!(error instanceof LedgerliftError)) throw error;
  return error;
};

describe('what a reader of a disk said', () => {
  // As nbdkit 1.42 and VDDK 7 and 8 write them, and nbdkit's curl plugin with libcurl 7.88.
  it.each([
    [
      'LL-VSP-041',
      'needs-operator',
      'nbdkit: vddk[1]: error: VixDiskLib_ConnectEx: Cannot complete login due to an incorrect user name or password.',
    ],
    [
      'LL-VSP-042',
      'needs-operator',
      'nbdkit: vddk[1]: error: [NFC ERROR] SSL Exception: Verification parameters:\nPeerThumbprint: 11:22\nExpectedThumbprint: 33:44',
    ],
    [
      'LL-VSP-042',
      'needs-operator',
      'nbdkit: curl[1]: error: problem doing HEAD request to fetch size of URL [https://h/folder/f]: SSL peer certificate or SSH remote key was not OK: ',
    ],
    [
      'LL-VSP-043',
      'needs-operator',
      'nbdkit: vddk[1]: error: VixDiskLib_Open: [ds] web/web.vmdk: You do not have access rights to this file',
    ],
    [
      'LL-VSP-043',
      'needs-operator',
      'nbdkit: curl[1]: error: curl_easy_perform: HTTP response code said error: The requested URL returned error: 403',
    ],
    [
      'LL-VSP-044',
      'transient',
      'nbdkit: vddk[1]: error: VixDiskLib_Open: [ds] web/web.vmdk: A file was not found',
    ],
    ['LL-VSP-040', 'transient', 'nbdkit: vddk[1]: error: VixDiskLib_Open: Failed to lock the file'],
    [
      'LL-VSP-040',
      'transient',
      'nbdkit: vddk[1]: error: VixDiskLib_ReadAsync: NBD_ERR_INSUFFICIENT_RESOURCES',
    ],
  ] as const)('means %s (%s): %s', (code, kind, log) => {
    expect(failure(log)).toMatchObject({ code, failure: kind });
  });

  it('is quoted: its last errors, each once, and how it ended', () => {
    const log = [
      'nbdkit: vddk[1]: debug: a',
      'nbdkit: vddk[2]: error: VixDiskLib_Read: The host connection was lost',
      'nbdkit: vddk[3]: error: VixDiskLib_Read: The host connection was lost',
      'VixDiskLib: shutting down',
    ].join('\n');
    expect(failure(log, 'it ended with signal SIGSEGV').message).toBe(
      "reading 'Hard disk 1' by VDDK failed: it ended with signal SIGSEGV; it said: " +
        'VixDiskLib_Read: The host connection was lost',
    );
  });

  it('may be nothing, or far too much', () => {
    expect(failure('').message).toContain('it said nothing');
    expect(failure(`nbdkit: error: ${'x'.repeat(100_000)}`).message.length).toBeLessThan(1200);
  });
});
