import { types } from 'node:util';

/** What an error says of itself, or whatever else was thrown. */
export const reasonOf = (error: unknown): string =>
  types.isNativeError(error) ? error.message : String(error);

/** Code of an error of Node (`ENOENT`) or of ours (`LL-…`). */
export function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
