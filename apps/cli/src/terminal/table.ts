import type { RenderedVm } from '@ledgerlift/contracts';

export type Row = Readonly<Record<string, string>>;

/** Pads columns to their widest cell, except the last. */
export function table(rows: readonly Row[], columns: readonly string[]): string {
  const lines = [
    columns.map((column) => column.toUpperCase()),
    ...rows.map((row) => columns.map((column) => row[column] ?? '')),
  ];
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => line[index]?.length ?? 0)));
  return lines
    .map((line) =>
      line
        .map((cell, index) => (index === line.length - 1 ? cell : cell.padEnd(widths[index] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

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

type Side = NonNullable<RenderedVm['summary']>['source'] & { readonly instanceType?: string | undefined };

const COLUMNS: Readonly<Record<string, (side: Side) => string>> = {
  cpus: ({ cpus, instanceType }) => String(cpus ?? instanceType ?? ''),
  memory: ({ memoryBytes, instanceType }) =>
    memoryBytes === undefined ? (instanceType ?? '') : binary(memoryBytes),
  firmware: ({ firmware }) => firmware,
  os: ({ os }) => os,
  disks: ({ diskBytes }) => diskBytes.map(binary).join(' + '),
  networks: ({ networks }) => networks.join(', '),
};

/** One row per VM: a feature appears once if source and target agree, else as `source -> target`. */
export function sideBySide(vms: readonly RenderedVm[]): string {
  const rows = vms.map(({ name, targetName, targetNamespace, summary }) => ({
    vm: name,
    target: `${targetNamespace}/${targetName}`,
    ...(summary === undefined ? {} : compared(summary)),
    claims: summary?.target.claims.join(', ') ?? '',
  }));
  return table(rows, ['vm', 'target', ...Object.keys(COLUMNS), 'claims']);
}

const compared = ({ source, target }: NonNullable<RenderedVm['summary']>): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(COLUMNS).map(([column, of]) => {
      const [before, after] = [of(source), of(target)];
      return [column, before === after ? after : `${before} -> ${after}`];
    }),
  );

/** In the largest unit that divides the size, so that every difference shows. */
function binary(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const exponent = bytes === 0 ? 0 : units.findLastIndex((_, power) => bytes % 1024 ** power === 0);
  return `${bytes / 1024 ** exponent} ${units[exponent] ?? ''}`;
}
