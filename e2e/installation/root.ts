import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The folder of the repository, from the sources as well as from what `tsc -b` made of them. */
export const root = ((): string => {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, 'nx.json'))) folder = dirname(folder);
  return folder;
})();

/** Has services load the extensions that tests have, which are no part of the product. */
export const testingExtensions = { LEDGERLIFT_EXTENSIONS: '@ledgerlift/testing-extensions' };
