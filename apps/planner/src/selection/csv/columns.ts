import { type PlanVm, PlanVm as Schema } from '@ledgerlift/contracts';
import { z } from 'zod';

/** The columns of a CSV file of VMs, in the order in which they are written. */
export const columns = ['vm', 'target_name', 'namespace', 'wave', 'priority', 'cutover_time'] as const;
export type Column = (typeof columns)[number];
export type Field = 'ref' | 'targetName' | 'targetNamespace' | 'wave' | 'priority' | 'cutoverAt';

interface ColumnKind {
  readonly field: Field;
  /** What the cell says of the VM. @throws RangeError that says what it must be */
  read(cell: string): string | number;
}

/** How each column is read; written is what stands in the plan. */
export const kinds: Readonly<Record<Column, ColumnKind>> = {
  vm: { field: 'ref', read: (cell) => cell },
  target_name: { field: 'targetName', read: (cell) => checked('targetName', cell.trim()) },
  namespace: { field: 'targetNamespace', read: (cell) => checked('targetNamespace', cell.trim()) },
  wave: { field: 'wave', read: (cell) => whole(cell, 'wave', 'from 1 to 1000') },
  priority: {
    field: 'priority',
    read: (cell) => whole(cell, 'priority', 'from 0 to 100, the highest first'),
  },
  cutover_time: { field: 'cutoverAt', read: (cell) => instant(cell.trim()) },
};

export const isColumn = (name: string): name is Column => columns.some((column) => column === name);

function checked(field: 'targetName' | 'targetNamespace', value: string): string {
  const parsed = Schema.shape[field].safeParse(value);
  if (parsed.success) return value;
  throw new RangeError(parsed.error.issues[0]?.message ?? 'is not valid');
}

function whole(cell: string, field: 'wave' | 'priority', range: string): number {
  const text = cell.trim();
  const value = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
  if (!Schema.shape[field].safeParse(value).success) throw new RangeError(`must be a whole number ${range}`);
  return value;
}

const withZone = z.iso.datetime({ offset: true });
const withoutZone = z.iso.datetime({ local: true });

/** As the plan has it, in UTC. A time without a zone means another instant to each reader, so it is refused. */
function instant(text: string): string {
  // Seconds may be left out.
  const iso = text.replace(' ', 'T').replace(/T(\d\d:\d\d)(?=Z|[+-]|$)/, 'T$1:00');
  if (Schema.shape.cutoverAt.safeParse(iso).success) return iso;
  if (withZone.safeParse(iso).success) return new Date(iso).toISOString().replace('.000Z', 'Z');
  throw new RangeError(
    withoutZone.safeParse(iso).success
      ? 'has no time zone; add Z, or an offset such as +01:00'
      : 'must be a time with its zone, such as 2026-12-01T22:00:00Z or 2026-12-01 23:00+01:00',
  );
}

/** The text of a cell. */
export const cellOf = (vm: PlanVm, column: Column): string => String(vm[kinds[column].field] ?? '');
