import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { failureOf } from './failure.js';
import { parseMessage } from './messages.js';

const end = { command: 'virt-v2v-in-place', status: 1, errors: [], log: 'default/web/logs/virt-v2v.log' };
const errorsOf = (name: string): string[] =>
  readFileSync(join(import.meta.dirname, 'recorded', `${name}.messages.jsonl`), 'utf8')
    .split('\n')
    .flatMap((line) => {
      const message = parseMessage(line);
      return message?.type === 'error' ? [message.message] : [];
    });

describe('a conversion that failed (recorded from virt-v2v 2.2.0)', () => {
  it.each([
    ['blank-disk', 'LL-CONV-010', 'permanent'],
    ['full-guest', 'LL-CONV-013', 'permanent'],
    ['appliance-killed', 'LL-CONV-016', 'transient'],
    ['no-appliance-kernel', 'LL-CONV-016', 'transient'],
    ['qemu-nbd-failed', 'LL-CONV-016', 'transient'],
  ])('%s is %s, %s', (name, code, failure) => {
    const errors = errorsOf(name);
    expect(errors).toHaveLength(1);
    expect(failureOf({ ...end, errors })).toMatchObject({ code, failure });
  });
});

describe('a conversion that failed (texts from the sources)', () => {
  it.each([
    ['virt-v2v is unable to convert this guest type (linux/gentoo)', 'LL-CONV-011', 'permanent'],
    [
      'libguestfs thinks this is not an installed operating system (it might be …)',
      'LL-CONV-011',
      'permanent',
    ],
    ['multi-boot operating systems are not supported by virt-v2v.', 'LL-CONV-012', 'permanent'],
    ['root device /dev/sda7 not found.  Roots found were: /dev/sda1 /dev/sda2', 'LL-CONV-012', 'permanent'],
    ['not enough available inodes for conversion on filesystem ‘/’.', 'LL-CONV-013', 'permanent'],
    ['detected errors on the XFS filesystem on /dev/sda1', 'LL-CONV-014', 'permanent'],
    [
      'libguestfs error: e2fsck: e2fsck_fscking: /dev/sda1: UNEXPECTED INCONSISTENCY',
      'LL-CONV-014',
      'permanent',
    ],
    [
      'libguestfs error: mount: mount exited with status 32: wrong fs type, bad superblock',
      'LL-CONV-014',
      'permanent',
    ],
    ['filesystem was mounted read-only, even though we asked for it', 'LL-CONV-015', 'permanent'],
    [
      'unable to mount the disk image for writing. … Windows Hibernation or Fast Restart',
      'LL-CONV-015',
      'permanent',
    ],
    ['libguestfs error: guestfs_launch failed.', 'LL-CONV-016', 'transient'],
    [
      'insufficient free space in the conversion server temporary directory /var/tmp',
      'LL-CONV-019',
      'needs-operator',
    ],
    ['something that nobody has seen yet', 'LL-CONV-020', 'transient'],
  ])('"%s" is %s', (error, code, failure) => {
    expect(failureOf({ ...end, errors: [error] })).toMatchObject({ code, failure });
  });

  it('names the message of virt-v2v, the way out, and the log', () => {
    const { message } = failureOf({ ...end, errors: errorsOf('full-guest') });
    expect(message).toContain('38.3 MB free < 50 MB needed');
    expect(message).toContain('Make room inside the guest');
    expect(message).toContain(end.log);
    expect(message).not.toContain('\n');
  });
});

describe('an end without an error message', () => {
  it.each([
    [127, 'LL-CONV-001', 'permanent'],
    [126, 'LL-CONV-001', 'permanent'],
    [137, 'LL-CONV-017', 'transient'],
    [139, 'LL-CONV-017', 'transient'],
    [1, 'LL-CONV-020', 'transient'],
  ])('with status %s is %s, %s', (status, code, failure) => {
    expect(failureOf({ ...end, status })).toMatchObject({ code, failure });
  });
});
