import type {
  AttemptRef,
  Condition,
  Job,
  Progress,
  Release,
  Resource,
  StepName,
  StepResult,
  VmRecord,
} from '@ledgerlift/contracts';
import { jobOf } from './vm-record.js';

type ProgressItem = Progress['items'][number];

/** An attempt without a planner: keeps what its handler reports. */
export interface RecordedAttempt {
  readonly job: Job;
  readonly ref: AttemptRef;
  readonly signal: AbortSignal;
  readonly claimed: Resource[];
  readonly releases: Release[];
  readonly conditions: Condition[];
  readonly told: { readonly items: readonly ProgressItem[]; readonly message: string }[];
  stop(reason: Error): void;
  claim(resources: readonly Resource[]): Promise<void>;
  adopt(): Promise<void>;
  released(releases: readonly Release[]): Promise<void>;
  checkpoint(): Promise<void>;
  raise(condition: Condition): Promise<void>;
  progress(items: readonly ProgressItem[], message: string): void;
  readonly bandwidthLimit: undefined;
  onBandwidthLimit(): () => void;
}

export interface AttemptOptions extends Partial<Omit<Job, 'record' | 'step' | 'results' | 'release'>> {
  readonly step: StepName;
  readonly results?: readonly StepResult[];
  readonly release?: readonly Resource[];
}

/** An attempt at a step of a VM; left out: the first one, of which nothing is known yet but the record. */
export function attemptOf(
  record: VmRecord,
  { step, results = [], release = [], ...job }: AttemptOptions,
): RecordedAttempt {
  const controller = new AbortController();
  const { signal } = controller;
  const [claimed, releases, conditions]: [Resource[], Release[], Condition[]] = [[], [], []];
  const told: RecordedAttempt['told'] = [];
  return {
    job: jobOf(step, { record, results: [...results], release: [...release], ...job }),
    ref: { stream: 'vm-m1-0', step, attempt: job.attempt ?? 1, worker: 'spec/spec/1' },
    signal,
    claimed,
    releases,
    conditions,
    told,
    stop: (reason) => controller.abort(reason),
    claim: async (resources) => {
      signal.throwIfAborted();
      claimed.push(...resources);
    },
    adopt: () => Promise.resolve(),
    released: async (some) => void releases.push(...some),
    checkpoint: () => Promise.resolve(),
    raise: async (condition) => void conditions.push(condition),
    progress: (items, message) => void told.push({ items, message }),
    bandwidthLimit: undefined,
    onBandwidthLimit: () => () => undefined,
  };
}

/** What the log has of a guest that was converted, and has virtio. */
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
