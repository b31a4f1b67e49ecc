import type {
  Figures,
  HookMoment,
  HookSpec,
  ProviderSpec,
  RehearsedVm,
  SourceVm,
  VmRecord,
} from '@ledgerlift/contracts';
import { capacityOf } from '../selection/index.js';

type Parts = RehearsedVm['forecast']['parts'];

/** How long one VM will work, without waits. Milliseconds. */
export interface VmForecast {
  readonly parts: Parts;
  /** From its start: the whole migration, or for a warm VM the initial copy. */
  readonly firstMs: number;
  /** Warm: from the cutover to the end. */
  readonly cutoverMs: number | undefined;
  /** From the source's power-off to the target's start; 0 if the source is off. */
  readonly downtimeMs: number;
}

const HOUR = 3_600_000;

/**
 * @param bytes to read from the VM's disks
 * @param share of the common bandwidth budget, in bytes a second
 */
export function forecastVm(
  record: Pick<VmRecord, 'settings' | 'powerState' | 'source'>,
  bytes: number,
  figures: Figures,
  share = Number.POSITIVE_INFINITY,
): VmForecast {
  const { settings, powerState, source } = record;
  const { bandwidthLimit = Number.POSITIVE_INFINITY, skipGuestConversion, bootProof } = settings;
  const isOff = source.vm.powerState === 'off';
  const isWarm = settings.type === 'warm';
  const rate = Math.max(1, Math.min(figures.bytesPerSecond.value, bandwidthLimit, share));
  const starts = powerState === 'on' || (powerState === 'auto' && !isOff);
  const delta = isWarm
    ? Math.min(bytes, bytes * figures.changePerHour.value * (settings.warm.precopyIntervalMs / HOUR))
    : 0;
  const [before, atCutover, after] = (['before', 'cutover', 'after'] as const).map((at) =>
    hooksTake(settings.hooks, 'vm', at, figures),
  ) as [number, number, number];
  const parts = rounded({
    shutdownMs: isOff ? 0 : figures.shutdownMs.value,
    snapshotMs: isWarm ? figures.snapshotMs.value : 0,
    copyMs: (bytes / rate) * 1000,
    deltaMs: (delta / rate) * 1000,
    conversionMs: skipGuestConversion ? 0 : figures.conversionMs.value,
    bootMs: starts || bootProof ? figures.bootMs.value : 0,
    hooksMs: before + atCutover + after,
  });
  const last = parts.shutdownMs + parts.conversionMs + parts.bootMs;
  if (isWarm) {
    const cutoverMs = last + parts.snapshotMs + parts.deltaMs;
    return {
      parts,
      firstMs: before + parts.snapshotMs + parts.copyMs,
      cutoverMs: atCutover + cutoverMs + after,
      // Hooks run before the source goes down, or once the target runs.
      downtimeMs: isOff ? 0 : cutoverMs,
    };
  }
  const firstMs = last + parts.copyMs;
  return {
    parts,
    firstMs: firstMs + parts.hooksMs,
    cutoverMs: undefined,
    downtimeMs: isOff ? 0 : firstMs,
  };
}

/** Time of a moment's hooks as measured; hooks that never were measured count as 0. */
export function hooksTake(
  hooks: readonly HookSpec[],
  of: HookSpec['scope'],
  moment: HookMoment,
  figures: Pick<Figures, 'hooks'>,
): number {
  return hooks
    .filter(({ at, scope }) => at === moment && scope === of)
    .reduce((sum, { name }) => sum + Math.round(figures.hooks[name]?.value ?? 0), 0);
}

const rounded = (parts: Parts): Parts => ({
  shutdownMs: Math.round(parts.shutdownMs),
  snapshotMs: Math.round(parts.snapshotMs),
  copyMs: Math.round(parts.copyMs),
  deltaMs: Math.round(parts.deltaMs),
  conversionMs: Math.round(parts.conversionMs),
  bootMs: Math.round(parts.bootMs),
  hooksMs: parts.hooksMs,
});

/** Bytes to read from a VM's disks, or why that is unknown. */
export type SeenBytes = { readonly bytes: number } | { readonly why: string };

/** Finds how much of a VM's disks is allocated. Never throws, and changes nothing at the source. */
export interface ExtentsAccess {
  bytesOf(spec: ProviderSpec, vm: SourceVm, signal: AbortSignal): Promise<SeenBytes>;
}

type Bytes = RehearsedVm['bytes'];
type Source = VmRecord['source'];
type Read = Pick<VmRecord, 'source'> & { readonly settings: Pick<VmRecord['settings'], 'type'> };

/** How many VMs are examined at once, and for how long in total, because the caller waits for the answer. */
const AT_ONCE = 4;
const TIME_MS = 20_000;
/** The most VMs whose sizes are cached. */
const MOST_KEPT = 20_000;

/** Bytes to read from VMs. The result for a VM is cached until its fingerprint changes. */
export class BytesToRead {
  readonly #seen = new Map<string, SeenBytes>();

  constructor(
    private readonly access: ExtentsAccess,
    private readonly timeMs = TIME_MS,
  ) {}

  /** One result for each VM, in order; the capacity if the allocation cannot be found in time. Never throws. */
  async of(vms: readonly Read[]): Promise<readonly Bytes[]> {
    const signal = AbortSignal.timeout(this.timeMs);
    const found: Bytes[] = [];
    let next = 0;
    const work = async (): Promise<void> => {
      for (let index = next++; index < vms.length; index = next++) {
        const vm = vms[index];
        if (vm !== undefined) found[index] = await this.#of(vm, signal);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    return found;
  }

  async #of({ source, settings }: Read, signal: AbortSignal): Promise<Bytes> {
    if (settings.type === 'conversion') return { capacity: capacityOf(source.vm), read: 0, from: 'nothing' };
    return told(source, await this.#look(source, signal));
  }

  async #look({ provider, vm }: Source, signal: AbortSignal): Promise<SeenBytes> {
    const key = `${provider.id}/${vm.id}/${vm.fingerprint}`;
    const known = this.#seen.get(key);
    if (known !== undefined) return known;
    const seen = await this.access.bytesOf(provider.spec, vm, signal);
    // Failures are not cached, because they may be temporary.
    if ('bytes' in seen && this.#seen.size < MOST_KEPT) this.#seen.set(key, seen);
    return seen;
  }
}

function told({ vm }: Source, seen: SeenBytes): Bytes {
  const capacity = capacityOf(vm);
  return 'bytes' in seen
    ? { capacity, read: seen.bytes, from: 'extents' }
    : { capacity, read: capacity, from: 'capacity', why: seen.why };
}
