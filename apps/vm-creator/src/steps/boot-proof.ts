import type { StepHandler } from '@ledgerlift/worker';
import { diskPathsOf, layoutOf } from '@ledgerlift/targets';
import { evidenceOf, proveBoot } from '../boot-proof/prove.js';
import type { BootSettings } from '../boot-proof/settings.js';
import { GuestDidNotBoot } from '../errors.js';
import { targetVmOf } from './findings.js';

/** Starts the result once, without touching its disks. A guest that does not come up fails the step. */
export function bootProof(settings: BootSettings): StepHandler {
  return async (attempt) => {
    const { job } = attempt;
    const log = layoutOf(job.record).logs.bootProof;
    const proven = await proveBoot(attempt, settings, {
      vm: targetVmOf(job),
      disks: await diskPathsOf(job.record),
      log,
      title: 'boot proof',
    });
    if (!proven.booted) throw new GuestDidNotBoot(proven.why, log, proven.lastLines);
    const { seconds } = proven;
    return { step: 'BootProof', booted: true, seconds, evidence: evidenceOf(proven), log };
  };
}
