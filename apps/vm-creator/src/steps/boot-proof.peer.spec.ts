import { execFileSync } from 'node:child_process';
import { expect, it } from '@jest/globals';
import { guestImage, temporaryFolder } from '@ledgerlift/testing';
import { readBootSettings } from '../boot-proof/settings.js';
import { diskOf, vmWith } from '../spec/guest.js';
import { attemptAt } from '../spec/job.js';
import { bootProof } from './boot-proof.js';

it('a boot proof of a real unconverted guest ends in its initramfs, and reports it', async () => {
  await using folder = temporaryFolder('boot-real');
  const settings = readBootSettings({ LEDGERLIFT_BOOT_ACCEL: 'tcg', LEDGERLIFT_BOOT_TIMEOUT_S: '240' });
  const record = await vmWith(undefined, { root: folder.path });
  execFileSync('cp', ['--sparse=always', await guestImage(), diskOf(record)]);
  const failure = bootProof(settings)(attemptAt('BootProof', record));
  await expect(failure).rejects.toThrow(/initramfs shell.*does not exist/s);
}, 600_000);
