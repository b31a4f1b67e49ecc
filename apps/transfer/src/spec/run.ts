import {
  type Condition,
  type DiskCheckpoint,
  type HookSpec,
  type Job,
  type ProviderSpec,
  type Release,
  type Resource,
  type SourceVm,
  type StepName,
  StepResult,
  type TransferPass,
  type VmRecord,
  type VmSettings,
} from '@ledgerlift/contracts';
import type { Attempt, BandwidthLimit, ProgressItem } from '@ledgerlift/worker';
import { vmRecord } from '@ledgerlift/testing';
import type { z } from 'zod';
import { readTransferSettings } from '../config.js';
import { transferSteps } from '../steps/index.js';

export interface RecordOptions {
  /** The lab's address, or another source. */
  readonly url: string | ProviderSpec;
  /** As in the provider's inventory. */
  readonly vm: SourceVm;
  /** The target's root folder. */
  readonly root: string;
  readonly format?: 'raw' | 'qcow2';
  readonly settings?: z.input<typeof VmSettings>;
}

export const recordOf = ({ url, vm, root, format = 'raw', settings }: RecordOptions): VmRecord =>
  vmRecord({
    vm,
    provider:
      typeof url === 'string' ? { name: 'lab', type: 'x-lab', sites: ['local'], settings: { url } } : url,
    root,
    format,
    settings: { type: 'warm', verify: 'full', ...settings },
  });

export interface Asked {
  readonly pass?: TransferPass | undefined;
  readonly hook?: HookSpec;
  readonly powerOff?: Job['powerOff'];
  readonly release?: readonly Resource[];
  readonly signal?: AbortSignal;
  readonly bandwidthLimit?: BandwidthLimit;
  /** Called with each progress report. */
  readonly onProgress?: (items: readonly ProgressItem[]) => void;
}

type ResultOf<S extends StepName> = Extract<StepResult, { step: S }>;

/** One VM's migration with the data that the log would hold; requests steps like the planner. */
export class Run {
  results: StepResult[] = [];
  checkpoints: DiskCheckpoint[] = [];
  ledger: Resource[] = [];
  readonly released: Release[] = [];
  readonly conditions: Condition[] = [];
  readonly #attempts = new Map<StepName, number>();
  readonly #steps;

  constructor(
    readonly record: VmRecord,
    env: Readonly<Record<string, string>> = {},
  ) {
    this.#steps = transferSteps(readTransferSettings({ LEDGERLIFT_CHECKPOINT_BYTES: '4194304', ...env }));
  }

  /** Runs a step's handler, validates the result like the runner, and keeps it. @throws the handler's error */
  async ask<S extends StepName>(step: S, asked: Asked = {}): Promise<ResultOf<S>> {
    const number = (this.#attempts.get(step) ?? 0) + 1;
    this.#attempts.set(step, number);
    const handler = this.#steps[step];
    if (handler === undefined) throw new TypeError(`nobody does ${step}`);
    const result = StepResult.parse(await handler(this.#attempt(step, number, asked)));
    if (!isOf(step, result)) throw new TypeError(`${step} gave the result of ${result.step}`);
    this.results.push(result);
    return result;
  }

  #attempt(step: StepName, attempt: number, asked: Asked): Attempt {
    const { pass, hook, powerOff, release = [], signal = new AbortController().signal } = asked;
    return {
      job: {
        record: this.record,
        step,
        attempt,
        results: [...this.results],
        checkpoints: [...this.checkpoints],
        ledger: [...this.ledger],
        release: [...release],
        ...(pass === undefined ? {} : { pass }),
        ...(hook === undefined ? {} : { hook }),
        ...(powerOff === undefined ? {} : { powerOff }),
      },
      ref: { stream: 'vm-m1-0', step, attempt, worker: 'transfer/spec/1' },
      signal,
      bandwidthLimit: asked.bandwidthLimit,
      onBandwidthLimit: () => () => undefined,
      claim: async (resources) => {
        signal.throwIfAborted();
        for (const resource of resources) if (!this.ledger.some(sameAs(resource))) this.ledger.push(resource);
      },
      adopt: async () => undefined,
      released: async (releases) => {
        this.released.push(...releases);
        this.ledger = this.ledger.filter((one) => !releases.some(({ resource }) => sameAs(resource)(one)));
      },
      checkpoint: async (reached) => {
        const others = this.checkpoints.filter(({ diskId }) => !reached.some((one) => one.diskId === diskId));
        this.checkpoints = [...others, ...reached];
      },
      raise: async (condition) => void this.conditions.push(condition),
      progress: (items) => asked.onProgress?.(items),
    };
  }
}

const isOf = <S extends StepName>(step: S, result: StepResult): result is ResultOf<S> => result.step === step;
const sameAs =
  (wanted: Resource) =>
  ({ kind, name }: Resource): boolean =>
    kind === wanted.kind && name === wanted.name;
