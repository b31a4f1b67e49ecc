import type { Figures, HookMoment, HookSpec, RehearsedVm, VmRecord } from '@ledgerlift/contracts';

type Parts = RehearsedVm['forecast']['parts'];

/** How long one VM will be at work, without the waits between. Milliseconds. */
export interface VmForecast {
  readonly parts: Parts;
  /** What it does from its begin on: all there is, or for a warm one the first copy. */
  readonly firstMs: number;
  /** A warm one: from its cutover to its end. */
  readonly cutoverMs: number | undefined;
  /** From the source's power-off to the target's start; 0 where the source is off already. */
  readonly downtimeMs: number;
}

const HOUR = 3_600_000;

/**
 * @param bytes that will be read of its disks
 * @param share of what all copies may use together, in bytes a second
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
      // Hooks are done before the source goes down, and when the target runs.
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

/** What the hooks of a moment took when they were measured; those that never were take no time. */
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
