import type {
  Condition,
  Release,
  Resource,
  StepName,
  StepResult,
  TransferPass,
  VmRecord,
} from '@ledgerlift/contracts';
import type { Attempt, ProgressItem } from '@ledgerlift/worker';

/** An attempt without a planner: keeps what its handler tells. */
export interface RecordedAttempt extends Attempt {
  readonly claimed: Resource[];
  readonly releases: Release[];
  readonly conditions: Condition[];
  readonly told: { readonly items: readonly ProgressItem[]; readonly message: string }[];
  stop(reason: Error): void;
}

export interface AttemptOptions {
  readonly step: StepName;
  readonly attempt?: number;
  readonly results?: readonly StepResult[];
  readonly conversions?: number;
  readonly release?: readonly Resource[];
  readonly pass?: TransferPass;
}

export function attemptOf(record: VmRecord, options: AttemptOptions): RecordedAttempt {
  const controller = new AbortController();
  const claimed: Resource[] = [];
  const releases: Release[] = [];
  const conditions: Condition[] = [];
  const told: { readonly items: readonly ProgressItem[]; readonly message: string }[] = [];
  const attempt = options.attempt ?? 1;
  return {
    job: {
      record,
      step: options.step,
      attempt,
      results: [...(options.results ?? [])],
      checkpoints: [],
      ...(options.conversions === undefined ? {} : { conversions: options.conversions }),
      ledger: [],
      release: [...(options.release ?? [])],
      ...(options.pass === undefined ? {} : { pass: options.pass }),
    },
    ref: { stream: 'vm-m1-0', step: options.step, attempt, worker: 'converter/spec/1' },
    signal: controller.signal,
    claimed,
    releases,
    conditions,
    told,
    stop: (reason) => controller.abort(reason),
    claim: (resources) => {
      controller.signal.throwIfAborted();
      claimed.push(...resources);
      return Promise.resolve();
    },
    adopt: () => Promise.resolve(),
    released: (some) => {
      releases.push(...some);
      return Promise.resolve();
    },
    checkpoint: () => Promise.resolve(),
    raise: (condition) => {
      conditions.push(condition);
      return Promise.resolve();
    },
    progress: (items, message) => {
      told.push({ items, message });
    },
    bandwidthLimit: undefined,
    onBandwidthLimit: () => () => undefined,
  };
}

/** What the log has when a conversion is complete. */
export const converted: StepResult = {
  step: 'ImageConversion',
  inspection: {
    osName: 'debian12',
    osProduct: '12.15',
    osVersion: '12.15',
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
