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

/** A VM that was copied raw: an OVA, some disks, one NIC. */
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
    // QEMUs are found on the whole machine by their VM: specs that run side by side must not end each other's.
    record: { installation: `spec-${process.pid}` },
    eachDisk: { capacityBytes: bytes },
    ...(format === undefined ? {} : { format }),
    vm: { firmware, memory: { bytes: 512 * 2 ** 20, hotAdd: false } },
    settings: { skipGuestConversion: true, bootProof: true, ...settings },
  });

/** Makes the VM's folder, as DiskAllocation does. */
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

/** What the log has of a source that was powered off. */
export const poweredOff = (momentId: string): StepResult => ({
  step: 'SourcePowerOff',
  momentId,
  how: 'was-off',
});
