import type { StepName, StepResult, VmRecord } from '@ledgerlift/contracts';
import { guardOf, targetOf } from '@ledgerlift/targets';
import { type AttemptOptions, type RecordedAttempt, attemptOf, vmRecord } from '@ledgerlift/testing';

export interface RecordOptions {
  readonly root: string;
  readonly disks?: number;
  readonly format?: 'raw' | 'qcow2';
  readonly bytes?: number;
  readonly firmware?: 'bios' | 'efi';
  readonly settings?: Partial<VmRecord['settings']>;
}

/** A VM copied raw from an OVA, with some disks and one NIC. */
export const vmOf = ({
  root,
  disks = 1,
  format,
  bytes = 2 ** 20,
  firmware = 'bios',
  settings,
}: RecordOptions): VmRecord =>
  vmRecord({
    root,
    disks,
    // endBoots finds QEMU by VM on the whole machine, so parallel specs need different VMs.
    record: { installation: `spec-${process.pid}` },
    eachDisk: { capacityBytes: bytes },
    ...(format === undefined ? {} : { format }),
    vm: { firmware, memory: { bytes: 512 * 2 ** 20, hotAdd: false } },
    settings: { skipGuestConversion: true, bootProof: true, ...settings },
  });

/** Creates the VM's folder like DiskAllocation. */
export async function openPlace(record: VmRecord): Promise<void> {
  const guard = guardOf(attemptAt('DiskAllocation', record));
  await using place = await targetOf(record.target.type).workplace(record, guard);
  await place.open();
}

/** The first attempt at a step. */
export const attemptAt = (
  step: StepName,
  record: VmRecord,
  options: Omit<AttemptOptions, 'step'> = {},
): RecordedAttempt => attemptOf(record, { step, ...options });

/** The log's result for a powered-off source. */
export const poweredOff = (momentId: string): StepResult => ({
  step: 'SourcePowerOff',
  momentId,
  how: 'was-off',
});
