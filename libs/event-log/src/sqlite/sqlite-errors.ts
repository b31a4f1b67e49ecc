import { CannotOpenLog, NotAnEventLog } from '../errors.js';

// https://www.sqlite.org/rescode.html; the lower byte of an extended code is the primary one.
const SQLITE_BUSY = 5;
const SQLITE_NOTADB = 26;

export const isBusy = (error: unknown): boolean => primaryCode(error) === SQLITE_BUSY;

/** What is thrown when `path` could not be opened for the reason `error`. */
export function openingError(path: string, error: unknown): Error {
  if (error instanceof NotAnEventLog || error instanceof CannotOpenLog) return error;
  if (primaryCode(error) === SQLITE_NOTADB) return new NotAnEventLog(path, 'it is no SQLite database');
  return new CannotOpenLog(path, error);
}

function primaryCode(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('errcode' in error)) return undefined;
  return Number(error.errcode) & 0xff;
}
