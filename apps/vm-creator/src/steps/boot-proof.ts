import { existsSync } from 'node:fs';
import { assertSelfContained } from '@ledgerlift/disk-transfer';
import type { StepHandler } from '@ledgerlift/worker';
import { evidenceOf, proveBoot } from '../boot-proof/prove.js';
import type { BootSettings } from '../boot-proof/settings.js';
import { GuestDidNotBoot } from '../errors.js';
import { targetVmOf } from './findings.js';
import { workplaceOf } from './target.js';

/**
 * Starts the result once, without touching its disks. A guest that does not come up fails the step.
 * @throws also ForeignImageRefused, where a disk leads to another file
 */
export function bootProof(settings: BootSettings): StepHandler {
  return async (attempt) => {
    const { job } = attempt;
    await using place = await workplaceOf(attempt);
    const log = place.log('bootProof');
    const disks = await place.disks.files();
    // One that the user brought may have been swapped, and QEMU follows what its header names.
    for (const { path: file, format } of disks)
      if (existsSync(file)) await assertSelfContained({ driver: format, file });
    const proven = await proveBoot(attempt, settings, {
      vm: targetVmOf(job),
      disks: disks.map(({ path }) => path),
      log,
      title: 'boot proof',
    });
    if (!proven.booted) throw new GuestDidNotBoot(proven.why, log.name, proven.lastLines);
    const { seconds } = proven;
    return { step: 'BootProof', booted: true, seconds, evidence: evidenceOf(proven), log: log.name };
  };
}
