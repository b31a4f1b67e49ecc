const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** 402653184 → `384 MiB` */
export function bytes(count: number): string {
  let value = count;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value >= 100 || Number.isInteger(value) ? Math.round(value) : value.toFixed(1)} ${UNITS[unit] ?? ''}`;
}

/** 75 → `1m15s`, 7500 → `2h05m`, 200000 → `2d07h` */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const two = (count: number): string => String(count).padStart(2, '0');
  const [minutes, hours, days] = [
    Math.floor(whole / 60),
    Math.floor(whole / 3600),
    Math.floor(whole / 86_400),
  ];
  if (days > 0) return `${days}d${two(hours % 24)}h`;
  if (hours > 0) return `${hours}h${two(minutes % 60)}m`;
  return minutes === 0 ? `${whole}s` : `${minutes}m${two(whole % 60)}s`;
}

/** A bar of `width` characters, filled by `share` (0 to 1). */
export function bar(share: number, width: number): string {
  const full = Math.round(Math.min(Math.max(share, 0), 1) * width);
  return '█'.repeat(full) + '░'.repeat(width - full);
}
