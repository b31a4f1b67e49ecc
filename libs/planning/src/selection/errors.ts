import { type CsvProblem, type ErrorDetails, LedgerliftError } from '@ledgerlift/contracts';
import { type UnclearPlace, unclearWords } from './places.js';

/** A CSV file has problems, listed in `rows`. Nothing was imported. */
export class BadCsv extends LedgerliftError {
  readonly code = 'LL-PLN-121';
  constructor(readonly rows: readonly CsvProblem[]) {
    super(
      `nothing was imported, because the file has ${rows.length} ${rows.length === 1 ? 'problem' : 'problems'}: ` +
        `${rows.slice(0, MOST_SAID).map(said).join('. ')}${rows.length > MOST_SAID ? '. `rows` lists the others' : ''}`,
      { field: 'csv' },
    );
  }

  override details(): ErrorDetails & { readonly rows: readonly CsvProblem[] } {
    return { ...super.details(), rows: this.rows };
  }
}

/** A search names a host, folder or other place by a name that several have. */
export class PlaceNotUnique extends LedgerliftError {
  readonly code = 'LL-PLN-122';
  constructor(readonly place: UnclearPlace) {
    super(`${unclearWords(place)}; name it by its id, or by its whole path`, { field: place.kind });
  }
}

const MOST_SAID = 3;

const said = ({ line, column, value, problem }: CsvProblem): string =>
  [
    `line ${line}`,
    ...(column === undefined ? [] : [`column ${column}`]),
    ...(value === undefined || value === '' ? [] : [`'${value.slice(0, 80)}'`]),
  ].join(', ') + `: ${problem}`;
