import { existsSync } from 'node:fs';
import { assertSelfContained } from '@ledgerlift/disk-transfer';
import type { TargetVm } from '@ledgerlift/targets';
import type { StepHandler } from '@ledgerlift/worker';
import { evidenceOf, proveBoot } from '../boot-proof/prove.js';
import type { BootSettings } from '../boot-proof/settings.js';
import { GuestDidNotBoot } from '../errors.js';
import { momentOf, targetVmOf, testVmOf } from './findings.js';
import { workplaceOf } from './target-power.js';

/**
 * Boots the result once, without touching its disks. Fails if the guest does not boot.
 * @throws as proveBoot; GuestDidNotBoot; ForeignImageRefused if a disk refers to another file
 */
export function bootProof(settings: BootSettings): StepHandler {
  return async (attempt) => {
    const { job } = attempt;
    await using place = await workplaceOf(attempt);
    const log = place.log('bootProof');
    const disks = await place.disks.files();
    // An adopted disk may have been swapped, and QEMU opens files that its header names.
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

/**
 * Boots the state that a cutover after the last complete round would produce: the overlays of the test conversion,
 * discarding all writes, on a machine without a network. A guest that does not boot is a result, not a failure: the
 * migration continues, and the operator decides.
 */
export function testBoot(settings: BootSettings): StepHandler {
  return async (attempt) => {
    const { job } = attempt;
    const moment = momentOf(job);
    await using place = await workplaceOf(attempt);
    const log = place.log('testBoot');
    const proven = await proveBoot(attempt, settings, {
      vm: inOverlays(testVmOf(job)),
      disks: (await place.disks.testOverlays()).map(({ path }) => path),
      bases: (await place.disks.files()).map(({ path }) => path),
      log,
      title: `test boot of ${moment}`,
    });
    const { booted, seconds } = proven;
    return { step: 'TestBoot', booted, seconds, evidence: evidenceOf(proven), log: log.name, moment };
  };
}

/** The same machine without networks, because its source is still running. */
const inOverlays = (vm: TargetVm): TargetVm => ({
  ...vm,
  nics: [],
  disks: vm.disks.map((disk) => ({ ...disk, format: 'qcow2' })),
});
