import {
  type DomainEvent,
  type EventType,
  type Expected,
  type Figure,
  type Figures,
  StepName,
  type StepResult,
} from '@ledgerlift/contracts';
import { type StoredEvent, domainEvent } from '@ledgerlift/event-log';
import { assumed } from '@ledgerlift/migration';
import { z } from 'zod';

/** The share of a VM's data that is assumed to change in an hour, until a delta was measured. */
const ASSUMED_CHANGE_PER_HOUR = 0.01;
/** A shorter copy measures its start-up rather than its rate. */
const SHORTEST_COPY_MS = 50;

/** Over less time, changes show the moment rather than a rate. */
const SHORTEST_CHANGE_MS = 60_000;
const HOUR = 3_600_000;
/** Prefix of the worker name of a system that answers hooks. */
const EXTERNAL = 'external/';
/** Prefix of a hook's name among the measures. */
const HOOK = 'hook ';

/** The fields read here, in every version: upcasting ten thousand whole records would add seconds to a restart. */
const Planned = z.object({
  record: z.object({ source: z.object({ provider: z.object({ id: z.string() }) }) }),
});
/** Another system's time is measured from the request to its answer. */
const Asked = z.object({ step: StepName, attempt: z.number(), service: z.literal('external') });
const measuredTypes: ReadonlySet<string> = new Set<EventType>([
  'StepStarted',
  'StepCompleted',
  'StepFailed',
  'StepStopped',
  'VmMigrationSucceeded',
  'VmMigrationCanceled',
  'VmMigrationRolledBack',
]);

/** Values kept of each measure; older ones say little about the present. */
const KEPT = 50;

/** The last values of each of several measures. */
export class Samples {
  readonly #values = new Map<string, number[]>();

  add(name: string, value: number): void {
    const values = this.#values.get(name) ?? [];
    values.push(value);
    if (values.length > KEPT) values.shift();
    this.#values.set(name, values);
  }

  names(): readonly string[] {
    return [...this.#values.keys()];
  }

  /** The number of values kept. */
  count(name: string): number {
    return this.#values.get(name)?.length ?? 0;
  }

  /** The median, which one very slow VM does not move; undefined without values. */
  median(name: string): number | undefined {
    const sorted = (this.#values.get(name) ?? []).toSorted((one, other) => one - other);
    const middle = sorted.length / 2;
    const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
    return low === undefined || high === undefined ? undefined : (low + high) / 2;
  }
}

/** A VM in migration: its source, and values for measures to come. */
interface UnderWay {
  readonly provider: string;
  /** The attempt that a worker has claimed. */
  attempt: { readonly step: StepName; readonly number: number; readonly startedAt: string } | undefined;
  /** Bytes that the initial copy read; below, when the last two snapshots were made. */
  full: number;
  readonly snapshots: number[];
}

/**
 * How long steps took for the VMs of each source: medians of the last completed ones. A projection of the log, which must get
 * every event, in order.
 */
export class Measurements {
  readonly #vms = new Map<string, UnderWay>();
  readonly #samples = new Map<string, Samples>();

  apply(event: StoredEvent): void {
    if (event.type === 'VmMigrationPlanned') this.#planned(event);
    else if (event.type === 'StepRequested') this.#asked(event);
    else if (measuredTypes.has(event.type)) this.#take(event.stream, domainEvent(event), event.time);
  }

  /** The figures for a source and how often each was measured; figures without measurements are assumed. */
  figures(provider: string): Figures {
    const samples = this.#samples.get(provider);
    const figure = (value: number, ...names: readonly string[]): Figure => {
      const measured = names.flatMap((name) => samples?.median(name) ?? []);
      const count = Math.max(0, ...names.map((name) => samples?.count(name) ?? 0));
      return { value: count === 0 ? value : measured.reduce((sum, each) => sum + each, 0), measured: count };
    };
    return {
      shutdownMs: figure(assumed.shutdownMs, 'SourcePowerOff'),
      snapshotMs: figure(assumed.snapshotMs, 'SnapshotCreation', 'SnapshotRemoval'),
      bytesPerSecond: figure(assumed.bytesPerSecond, 'bytesPerSecond'),
      conversionMs: figure(assumed.conversionMs, 'ImageConversion', 'ImageCommit'),
      bootMs: figure(assumed.bootMs, 'boot'),
      changePerHour: figure(ASSUMED_CHANGE_PER_HOUR, 'changePerHour'),
      hooks: Object.fromEntries(
        (samples?.names() ?? []).flatMap((name) =>
          name.startsWith(HOOK) ? [[name.slice(HOOK.length), figure(0, name)]] : [],
        ),
      ),
    };
  }

  /** The figures for the record of a VM; undefined if nothing was measured yet. */
  expected(provider: string): Expected | undefined {
    const figures = this.figures(provider);
    const { changePerHour: _, hooks: __, ...reckoned } = figures;
    const measured = Math.max(...Object.values(reckoned).map((figure) => figure.measured));
    if (measured === 0) return undefined;
    return {
      shutdownMs: figures.shutdownMs.value,
      snapshotMs: figures.snapshotMs.value,
      bytesPerSecond: Math.max(1, figures.bytesPerSecond.value),
      conversionMs: figures.conversionMs.value,
      bootMs: figures.bootMs.value,
      measured,
    };
  }

  #planned({ stream, data }: StoredEvent): void {
    const provider = Planned.parse(data).record.source.provider.id;
    this.#vms.set(stream, { provider, attempt: undefined, full: 0, snapshots: [] });
  }

  #asked({ stream, data, time }: StoredEvent): void {
    const asked = Asked.safeParse(data);
    if (!asked.success) return;
    const { step, attempt } = asked.data;
    this.#attempt(stream, { step, number: attempt, startedAt: time });
  }

  #take(stream: string, { type, data }: DomainEvent, time: string): void {
    switch (type) {
      case 'StepStarted':
        // The log learns who answers a hook, and writes its start, only with the answer.
        if (this.#vms.get(stream)?.attempt?.number === data.attempt && data.worker.startsWith(EXTERNAL))
          return;
        this.#attempt(stream, { step: data.step, number: data.attempt, startedAt: time });
        return;
      case 'StepCompleted':
        this.#completed(stream, data.result, data.attempt, time);
        this.#attempt(stream, undefined);
        return;
      case 'StepFailed':
      case 'StepStopped':
        this.#attempt(stream, undefined);
        return;
      // These VMs are measured no more. A failed VM may be, by a retry.
      case 'VmMigrationSucceeded':
      case 'VmMigrationCanceled':
      case 'VmMigrationRolledBack':
        this.#vms.delete(stream);
        return;
      default:
        return;
    }
  }

  #attempt(stream: string, attempt: UnderWay['attempt']): void {
    const vm = this.#vms.get(stream);
    if (vm !== undefined) vm.attempt = attempt;
  }

  #completed(stream: string, result: StepResult, number: number, time: string): void {
    const vm = this.#vms.get(stream);
    if (vm?.attempt?.step !== result.step || vm.attempt.number !== number) return;
    const ms = Date.parse(time) - Date.parse(vm.attempt.startedAt);
    if (!Number.isFinite(ms) || ms < 0) return;
    const samples = this.#samples.get(vm.provider) ?? new Samples();
    this.#samples.set(vm.provider, samples);
    for (const [name, value] of measuredOf(result, ms)) samples.add(name, value);
    const change = changeOf(vm, result);
    if (change !== undefined) samples.add('changePerHour', change);
  }
}

/** Updates the VM with a snapshot or a round. @returns the share of its data that changed in an hour, if known */
function changeOf(vm: UnderWay, result: StepResult): number | undefined {
  if (result.step === 'SnapshotCreation') {
    vm.snapshots.push(Date.parse(result.snapshot.createdAt));
    if (vm.snapshots.length > 2) vm.snapshots.shift();
  }
  if (result.step !== 'DiskTransfer') return undefined;
  const bytes = bytesOf(result);
  if (result.pass.kind === 'full') vm.full = bytes;
  const [before = Number.NaN, last = Number.NaN] = vm.snapshots;
  const isTelling = result.pass.kind === 'delta' && vm.full > 0 && last - before >= SHORTEST_CHANGE_MS;
  return isTelling ? Math.min(1, bytes / vm.full / ((last - before) / HOUR)) : undefined;
}

const bytesOf = ({ disks }: Extract<StepResult, { step: 'DiskTransfer' }>): number =>
  disks.reduce((sum, { bytesRead }) => sum + bytesRead, 0);

/** The measures that a completed step yields; none if it had nothing to do. */
function measuredOf(result: StepResult, ms: number): readonly (readonly [name: string, value: number])[] {
  switch (result.step) {
    case 'DiskTransfer': {
      const bytes = bytesOf(result);
      // A delta may be so small that its time is that of the request.
      const isTelling = result.pass.kind === 'cold' || result.pass.kind === 'full';
      return isTelling && bytes > 0 && ms >= SHORTEST_COPY_MS
        ? [['bytesPerSecond', (bytes / ms) * 1000]]
        : [];
    }
    case 'SourcePowerOff':
      return result.how === 'was-off' ? [] : [[result.step, ms]];
    case 'SnapshotCreation':
    case 'SnapshotRemoval':
    case 'ImageConversion':
    case 'ImageCommit':
      return [[result.step, ms]];
    case 'PreHook':
    case 'CutoverHook':
    case 'PostHook':
      return [[HOOK + result.hook, ms]];
    case 'BootProof':
    case 'TestBoot':
      return result.booted ? [['boot', result.seconds * 1000]] : [];
    default:
      return [];
  }
}
