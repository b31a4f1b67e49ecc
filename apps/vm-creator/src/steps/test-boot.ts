import type { StepHandler } from '@ledgerlift/worker';
import type { TargetVm } from '@ledgerlift/targets';
import { evidenceOf, proveBoot } from '../boot-proof/prove.js';
import type { BootSettings } from '../boot-proof/settings.js';
import { momentOf, testVmOf } from './findings.js';
import { workplaceOf } from './target.js';

/**
 * Boots what the cutover would lead to as of the last complete pass: the overlays of the test conversion, whose writes
 * are thrown away, on a machine without any network. A guest that does not come up is an answer, not a failure: the
 * migration goes on, and whoever asked decides.
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

/** The same machine, cut off from all networks: nobody may meet it beside its source, which runs. */
const inOverlays = (vm: TargetVm): TargetVm => ({
  ...vm,
  nics: [],
  disks: vm.disks.map((disk) => ({ ...disk, format: 'qcow2' })),
});
