import type { Condition, SourceVm } from '@ledgerlift/contracts';
import { type ConditionTypeName, condition, listed } from '../condition-types.js';
import type { PlanFacts, PlannedVm } from '../plan-facts.js';

/** What stands against VMs by the state of their guests. */
export function checkGuests({ spec, vms }: PlanFacts): readonly Condition[] {
  const raised = (
    type: ConditionTypeName,
    reason: string,
    is: (vm: SourceVm, planned: PlannedVm) => boolean,
    message: (names: string) => string,
  ): readonly Condition[] => {
    const names = vms.flatMap((planned) =>
      planned.vm !== undefined && !planned.isCopied && is(planned.vm, planned) ? [planned.vm.name] : [],
    );
    const all = [...new Set(names)];
    return all.length === 0 ? [] : [condition(type, reason, message(listed(all)), all)];
  };
  const isForced = spec.shutdown.then === 'force';
  return [
    ...raised(
      'VMPowerStateUnsupported',
      'Suspended',
      ({ powerState }) => powerState === 'suspended',
      (names) => `suspended: ${names}`,
    ),
    ...raised(
      isForced ? 'GuestNotShutDown' : 'GuestToolsIssue',
      'ToolsNotRunning',
      runsWithoutTools,
      (names) =>
        isForced
          ? `no tools run in ${names}, and what its guest has not written yet is lost`
          : `no tools run in ${names}, and \`shutdown.then\` is '${spec.shutdown.then}'`,
    ),
    ...raised(
      'VMMissingGuestIPs',
      'NoAddresses',
      ({ guest }, { entry }) =>
        (entry.preserveStaticIps ?? spec.preserveStaticIps) && guest !== undefined && !hasAddresses(guest),
      (names) => `no IP address is known of ${names}`,
    ),
    ...raised(
      'RecoveryKeyNotHeld',
      'NotSaid',
      ({ tpm, os }, { entry }) =>
        tpm && os.family === 'windows' && !(entry.recoveryKeyHeld ?? spec.recoveryKeyHeld),
      (names) => `the TPM of ${names} stays behind, with what is sealed in it`,
    ),
  ];
}

const runsWithoutTools = ({ powerState, guest }: SourceVm): boolean =>
  powerState === 'on' && (guest?.tools === 'not-running' || guest?.tools === 'not-installed');

const hasAddresses = ({ nics }: NonNullable<SourceVm['guest']>): boolean =>
  nics.some(({ addresses }) => addresses.length > 0);
