import type { Figures, RehearsedVm, VmRecord } from '@ledgerlift/contracts';

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
  const parts = rounded({
    shutdownMs: isOff ? 0 : figures.shutdownMs.value,
    snapshotMs: isWarm ? figures.snapshotMs.value : 0,
    copyMs: (bytes / rate) * 1000,
    deltaMs: (delta / rate) * 1000,
    conversionMs: skipGuestConversion ? 0 : figures.conversionMs.value,
    bootMs: starts || bootProof ? figures.bootMs.value : 0,
  });
  const last = parts.shutdownMs + parts.conversionMs + parts.bootMs;
  if (isWarm) {
    const cutoverMs = last + parts.snapshotMs + parts.deltaMs;
    return { parts, firstMs: parts.snapshotMs + parts.copyMs, cutoverMs, downtimeMs: isOff ? 0 : cutoverMs };
  }
  const firstMs = last + parts.copyMs;
  return { parts, firstMs, cutoverMs: undefined, downtimeMs: isOff ? 0 : firstMs };
}

const rounded = (parts: Parts): Parts => ({
  shutdownMs: Math.round(parts.shutdownMs),
  snapshotMs: Math.round(parts.snapshotMs),
  copyMs: Math.round(parts.copyMs),
  deltaMs: Math.round(parts.deltaMs),
  conversionMs: Math.round(parts.conversionMs),
  bootMs: Math.round(parts.bootMs),
});
