/**
 * A spreadsheet takes a cell that begins with one of these for a formula and runs it
 * (https://owasp.org/www-community/attacks/CSV_Injection); an apostrophe before it says that it is text.
 */
const FORMULA = /^'*[=+\-@\t\r\n]/;

/** The cell as it is written. One that looks escaped already gets another apostrophe, so that it is read as it was. */
export const escaped = (cell: string): string => (FORMULA.test(cell) ? `'${cell}` : cell);

/** The cell as it was meant. */
export const unescaped = (cell: string): string =>
  cell.startsWith("'") && FORMULA.test(cell) ? cell.slice(1) : cell;
