import type { CsvProblem } from '@ledgerlift/contracts';
import { CsvError, parse } from 'csv-parse/sync';
import { type Column, columns, isColumn } from './columns.js';
import { unescaped } from './formulas.js';

export interface CsvRow {
  /** In the file; the header is line 1. */
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

/** As many VMs as a plan takes. */
const MOST_ROWS = 100_000;
/** More than any cell of ours has; a quote that is never closed would else take the rest of the file. */
const LONGEST_RECORD = 100_000;

/**
 * Reads a CSV file: any order of columns, `,` or `;` between them, with or without a byte order mark, any end of line.
 *
 * @returns what could be read, and what is wrong with the rest. Never throws.
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
      problem: `a plan takes ${MOST_ROWS} VMs; make several plans of them`,
    });
  return {
    columns: named,
    rows: rows.map(({ line, cells }) => ({
      line,
      cells: new Map(named.map((column, index) => [column, unescaped(cells[index] ?? '')])),
    })),
    problems: rows.flatMap(({ line, cells }) => {
      const surplus = cells.slice(named.length);
      const problem = `the row has ${cells.length} cells, and the header ${named.length}; put what holds a separator in quotes`;
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
      .map((value) => ({ line, value, problem: `there is no such column; there are ${all}` })),
    ...names
      .filter((name, index) => names.indexOf(name) < index)
      .map((column) => ({ line, column, problem: 'the column is there twice; keep one of them' })),
    ...(names.includes('vm')
      ? []
      : [{ line, column: 'vm', problem: 'the column is missing, and says which VM a row is about' }]),
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
        // The parser says where a record ends; one whose cells hold line breaks began above.
        const within = cells.join('').match(/\r\n|\r|\n/g)?.length ?? 0;
        lines.push({ line: Math.max(1, end - within), cells });
        return null;
      },
    });
    return { lines };
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const line = typeof error['lines'] === 'number' ? Math.max(1, error['lines']) : 1;
    const problem = `${error.message}; a cell with a quote in it is put in quotes, and the quote doubled`;
    return { lines, broken: { line, problem } };
  }
}

/** Spreadsheets in countries with a decimal comma write semicolons. No column's name has either. */
function separatorOf(text: string): ',' | ';' {
  const [first = ''] = text.split(/[\r\n]/, 1);
  return first.includes(';') && !first.includes(',') ? ';' : ',';
}
