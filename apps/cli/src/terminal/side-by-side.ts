import type { RenderedVm } from '@ledgerlift/contracts';
import { table } from './table.js';

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

/** One row for each VM: each of its features once where source and target agree, else `source -> target`. */
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

/** Exact, for a difference must be seen: in the largest unit that divides it. */
function binary(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const exponent = bytes === 0 ? 0 : units.findLastIndex((_, power) => bytes % 1024 ** power === 0);
  return `${bytes / 1024 ** exponent} ${units[exponent] ?? ''}`;
}
