import { type CsvProblem, type PlanVm, PlanVm as Schema, type SourceVm } from '@ledgerlift/contracts';
import { dns1123Label } from '@ledgerlift/targets';
import { CsvError, parse } from 'csv-parse/sync';
import { stringify } from 'csv-stringify/sync';
import { z } from 'zod';
import { finder } from './select-vms.js';

/** The columns of a CSV file of VMs, in the order of an export. */
export const columns = ['vm', 'target_name', 'namespace', 'wave', 'priority', 'cutover_time'] as const;
export type Column = (typeof columns)[number];
export type Field = 'ref' | 'targetName' | 'targetNamespace' | 'wave' | 'priority' | 'cutoverAt';

interface ColumnKind {
  readonly field: Field;
  /** Parses a cell. @throws RangeError whose message says what the cell must be */
  read(cell: string): string | number;
}

/** How to read each column. An export writes the value in the plan. */
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

/** Converts a time to UTC. A time without a zone is refused, because each reader would take it for another instant. */
function instant(text: string): string {
  // Seconds are optional.
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
const cellOf = (vm: PlanVm, column: Column): string => String(vm[kinds[column].field] ?? '');

/**
 * A spreadsheet runs a cell that begins with one of these as a formula
 * (https://owasp.org/www-community/attacks/CSV_Injection), unless an apostrophe before it marks it as text.
 */
const FORMULA = /^'*[=+\-@\t\r\n]/;

/** Escapes a cell. One that already looks escaped gets another apostrophe, so that it reads back unchanged. */
const escaped = (cell: string): string => (FORMULA.test(cell) ? `'${cell}` : cell);

/** Reverses `escaped`. */
export const unescaped = (cell: string): string =>
  cell.startsWith("'") && FORMULA.test(cell) ? cell.slice(1) : cell;

/** Writes the VMs as CSV (RFC 4180), with a header; formulas are escaped. */
export function writeVms(vms: readonly PlanVm[]): string {
  const rows = vms.map((vm) => columns.map((column) => escaped(cellOf(vm, column))));
  return stringify([[...columns], ...rows], { record_delimiter: 'windows', quoted_match: /^\s|\s$|[\r\n]/ });
}

export interface CsvRow {
  /** Line in the file; the header is line 1. */
  readonly line: number;
  readonly cells: ReadonlyMap<Column, string>;
}

export interface CsvTable {
  readonly columns: readonly Column[];
  readonly rows: readonly CsvRow[];
  readonly problems: readonly CsvProblem[];
}

interface Line {
  readonly line: number;
  readonly cells: readonly string[];
}

/** The most VMs of a plan. */
const MOST_ROWS = 100_000;
/** Longer than any valid record: otherwise an unclosed quote would swallow the rest of the file. */
const LONGEST_RECORD = 100_000;

/**
 * Reads a CSV file: columns in any order, separated by `,` or `;`, with or without a byte order mark, any line ends.
 *
 * @returns the rows that could be read, and problems with the rest. Never throws.
 */
export function readCsv(text: string): CsvTable {
  const { lines, broken } = linesOf(text);
  if (broken !== undefined) return failed(broken);
  const [header, ...rest] = lines;
  if (header === undefined)
    return failed({ line: 1, problem: `the file is empty; its first line must name its columns: ${all}` });
  const problems = headerProblems(header);
  if (problems.length > 0) return failed(...problems);
  const named = namesOf(header).filter(isColumn);
  const rows = rest.filter(({ cells }) => !isBlank(cells));
  const beyond = rows[MOST_ROWS];
  if (beyond !== undefined)
    return failed({
      line: beyond.line,
      problem: `a plan takes at most ${MOST_ROWS} VMs; split them into several plans`,
    });
  return {
    columns: named,
    rows: rows.map(({ line, cells }) => ({
      line,
      cells: new Map(named.map((column, index) => [column, unescaped(cells[index] ?? '')])),
    })),
    problems: rows.flatMap(({ line, cells }) => {
      const surplus = cells.slice(named.length);
      const problem = `the row has ${cells.length} cells, and the header ${named.length}; put cells that contain a separator in quotes`;
      return isBlank(surplus) ? [] : [{ line, value: surplus.join(' '), problem }];
    }),
  };
}

const all = columns.join(', ');
const failed = (...problems: readonly CsvProblem[]): CsvTable => ({ columns: [], rows: [], problems });
const isBlank = (cells: readonly string[]): boolean => cells.every((cell) => cell.trim() === '');
const namesOf = ({ cells }: Line): readonly string[] => {
  // A spreadsheet may leave separators at the end of each line.
  const last = cells.findLastIndex((cell) => cell.trim() !== '');
  return cells.slice(0, last + 1).map((cell) => cell.trim().toLowerCase());
};

function headerProblems(header: Line): readonly CsvProblem[] {
  const { line } = header;
  const names = namesOf(header);
  return [
    ...names
      .filter((name) => !isColumn(name))
      .map((value) => ({ line, value, problem: `there is no such column; the columns are ${all}` })),
    ...names
      .filter((name, index) => names.indexOf(name) < index)
      .map((column) => ({ line, column, problem: 'the column appears twice; keep one of them' })),
    ...(names.includes('vm')
      ? []
      : [{ line, column: 'vm', problem: 'the column is missing; it says which VM a row is about' }]),
  ];
}

function linesOf(text: string): { readonly lines: readonly Line[]; readonly broken?: CsvProblem } {
  const lines: Line[] = [];
  try {
    parse(text, {
      bom: true,
      delimiter: separatorOf(text),
      record_delimiter: ['\r\n', '\n', '\r'],
      relax_column_count: true,
      skip_empty_lines: true,
      max_record_size: LONGEST_RECORD,
      on_record: (cells: string[], { lines: end }) => {
        // The parser gives the last line of a record; a record with line breaks in its cells began earlier.
        const within = cells.join('').match(/\r\n|\r|\n/g)?.length ?? 0;
        lines.push({ line: Math.max(1, end - within), cells });
        return null;
      },
    });
    return { lines };
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const line = typeof error['lines'] === 'number' ? Math.max(1, error['lines']) : 1;
    const problem = `${error.message}; put a cell that contains a quote in quotes, and double the quote`;
    return { lines, broken: { line, problem } };
  }
}

/** Spreadsheets in countries with a decimal comma write semicolons. No column name contains either character. */
function separatorOf(text: string): ',' | ';' {
  const [first = ''] = text.split(/[\r\n]/, 1);
  return first.includes(';') && !first.includes(',') ? ';' : ',';
}

/** What to import into. */
export interface ImportInto {
  /** The plan's present VMs: fields without a column in the file stay unchanged. */
  readonly vms: readonly PlanVm[];
  readonly targetNamespace: string;
  readonly inventory: readonly SourceVm[];
}

export interface Imported {
  readonly vms: readonly PlanVm[];
  /** If there are any, do not use the result. */
  readonly problems: readonly CsvProblem[];
}

interface ReadRow extends CsvRow {
  readonly source: SourceVm | undefined;
  readonly vm: PlanVm;
  readonly problems: readonly CsvProblem[];
}

/** Reads the plan's VMs from a CSV file. Never throws: lists every problem by line and column. */
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
  // Each field was checked by the plan's schema, or is unchanged from the plan.
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
    problem: `is also the VM of line ${first.line}; keep one of them`,
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
      problem: `'${key}' is also the target of line ${first.line}; give one of them another name or namespace`,
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
