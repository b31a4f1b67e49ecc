import type { CsvProblem, PlanVm, SourceVm } from '@ledgerlift/contracts';
import { dns1123Label } from '@ledgerlift/targets';
import { finder } from '../select-vms.js';
import { type Column, columns, kinds } from './columns.js';
import { type CsvRow, readCsv } from './read.js';

/** What a file is read against. */
export interface ImportInto {
  /** The plan's VMs as they are: what the file has no column for stays as it is. */
  readonly vms: readonly PlanVm[];
  readonly targetNamespace: string;
  readonly inventory: readonly SourceVm[];
}

export interface Imported {
  readonly vms: readonly PlanVm[];
  /** Where there are any, nothing of the file is to be used. */
  readonly problems: readonly CsvProblem[];
}

interface ReadRow extends CsvRow {
  readonly source: SourceVm | undefined;
  readonly vm: PlanVm;
  readonly problems: readonly CsvProblem[];
}

/** The plan's VMs as a CSV file says them. Never throws: everything that is wrong is told, by line and column. */
export function importVms(csv: string, into: ImportInto): Imported {
  const table = readCsv(csv);
  const find = finder(into.inventory);
  const before = new Map(into.vms.flatMap((vm) => find(vm.ref).map(({ id }) => [id, vm] as const)));
  const rows = table.rows.map((row) => readRow(row, table.columns, find, before));
  return {
    vms: rows.map(({ vm }) => vm),
    problems: [
      ...table.problems,
      ...rows.flatMap(({ problems }) => problems),
      ...vmsTwice(rows),
      ...namesTwice(rows, into.targetNamespace),
    ].toSorted((one, other) => one.line - other.line),
  };
}

function readRow(
  row: CsvRow,
  present: readonly Column[],
  find: (ref: string) => readonly SourceVm[],
  before: ReadonlyMap<string, PlanVm>,
): ReadRow {
  const ref = row.cells.get('vm') ?? '';
  const matches = find(ref);
  const source = matches.length === 1 ? matches[0] : undefined;
  const problems: CsvProblem[] = source === undefined ? [refProblem(row.line, ref, matches)] : [];
  const known = source && before.get(source.id);
  const kept = Object.entries(known ?? {}).filter(
    ([field]) => !present.some((column) => kinds[column].field === field),
  );
  const said: (readonly [string, string | number])[] = [];
  for (const column of columns) {
    const cell = row.cells.get(column) ?? '';
    if (column === 'vm' || cell.trim() === '') continue;
    try {
      said.push([kinds[column].field, kinds[column].read(cell)]);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      problems.push({ line: row.line, column, value: cell, problem: error.message });
    }
  }
  // Each field was checked by the plan's own schema, or is as it was in the plan.
  const vm: PlanVm = { ...Object.fromEntries([...kept, ...said]), ref };
  return { ...row, source, vm, problems };
}

function refProblem(line: number, ref: string, matches: readonly SourceVm[]): CsvProblem {
  const about = { line, column: 'vm', value: ref };
  if (ref === '') return { ...about, problem: 'is empty; write the id or the name of a VM' };
  const ids = matches.map(({ id, path }) => `${id} (${path})`).join(', ');
  return matches.length === 0
    ? { ...about, problem: 'is not in the inventory; correct it, or refresh the inventory' }
    : { ...about, problem: `means ${matches.length} VMs; write the id of one: ${ids}` };
}

function vmsTwice(rows: readonly ReadRow[]): readonly CsvProblem[] {
  return repeated(rows, ({ source }) => source?.id).map(({ row, first }) => ({
    line: row.line,
    column: 'vm',
    value: row.vm.ref,
    problem: `is the VM of line ${first.line}, too; keep one of them`,
  }));
}

function namesTwice(rows: readonly ReadRow[], namespace: string): readonly CsvProblem[] {
  const placeOf = ({ vm, source }: ReadRow): string | undefined =>
    source && `${vm.targetNamespace ?? namespace}/${vm.targetName ?? dns1123Label(source.name)}`;
  return repeated(rows, placeOf)
    .filter(({ row, first }) => row.source?.id !== first.source?.id)
    .map(({ row, first, key }) => ({
      line: row.line,
      column: 'target_name',
      value: row.vm.targetName ?? '',
      problem: `'${key}' is the target of line ${first.line}, too; give one of them another name or namespace`,
    }));
}

function repeated(
  rows: readonly ReadRow[],
  keyOf: (row: ReadRow) => string | undefined,
): readonly { readonly row: ReadRow; readonly first: ReadRow; readonly key: string }[] {
  const seen = new Map<string, ReadRow>();
  return rows.flatMap((row) => {
    const key = keyOf(row);
    if (key === undefined) return [];
    const first = seen.get(key);
    if (first !== undefined) return [{ row, first, key }];
    seen.set(key, row);
    return [];
  });
}
