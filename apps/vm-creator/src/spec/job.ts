import type {
  Condition,
  Job,
  Progress,
  Release,
  StepName,
  StepResult,
  VmRecord,
} from '@ledgerlift/contracts';
import { guardOf, targetOf } from '@ledgerlift/targets';
import type { Attempt } from '@ledgerlift/worker';
import { jobOf, vmRecord } from '@ledgerlift/testing';

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

export interface RecordedAttempt extends Attempt {
  readonly releases: Release[];
  readonly progresses: { readonly items: readonly Progress['items'][number][]; readonly message: string }[];
  readonly conditions: Condition[];
}

export interface AttemptOptions {
  readonly results?: readonly StepResult[];
  readonly release?: Job['release'];
  readonly signal?: AbortSignal;
}

/** An attempt whose reports are kept to be looked at. */
export function attemptAt(step: StepName, record: VmRecord, options: AttemptOptions = {}): RecordedAttempt {
  const { results = [], release = [], signal = new AbortController().signal } = options;
  const releases: Release[] = [];
  const progresses: RecordedAttempt['progresses'] = [];
  const conditions: Condition[] = [];
  return {
    job: jobOf(step, { record, results: [...results], release }),
    ref: { stream: 'vm-m1-0', step, attempt: 1, worker: 'vm-creator/test/1' },
    signal,
    releases,
    progresses,
    conditions,
    bandwidthLimit: undefined,
    onBandwidthLimit: () => () => undefined,
    claim: () => Promise.resolve(),
    checkpoint: () => Promise.resolve(),
    adopt: () => Promise.resolve(),
    released: (given) => Promise.resolve(void releases.push(...given)),
    raise: (condition) => Promise.resolve(void conditions.push(condition)),
    progress: (items, message) => void progresses.push({ items, message }),
  };
}

/** What the log has of a VM that was converted, and has virtio. */
export const conversion: StepResult = {
  step: 'ImageConversion',
  inspection: {
    osName: 'web',
    osProduct: 'Debian',
    osVersion: '12',
    arch: 'x86_64',
    family: 'linux',
    rootDevice: '/dev/sda1',
    firmware: 'bios',
    bootDisk: 0,
  },
  capabilities: { diskBus: 'virtio', nicModel: 'virtio', rng: true, balloon: true },
  overlays: [],
  log: 'default/web/logs/virt-v2v.log',
};

/** What the log has of a source that was powered off. */
export const poweredOff = (momentId: string): StepResult => ({
  step: 'SourcePowerOff',
  momentId,
  how: 'was-off',
});
