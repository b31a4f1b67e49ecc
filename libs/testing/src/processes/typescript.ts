import { join } from 'node:path';

/**
 * Arguments with which Node runs a TypeScript file of this workspace from its source, as a process of its own:
 * `spawn(process.execPath, [...typescriptArguments, file])`.
 */
export const typescriptArguments: readonly string[] = [
  '--no-warnings',
  '--conditions=@ledgerlift/source',
  '--experimental-transform-types',
  '--import',
  join(import.meta.dirname, '..', '..', '..', '..', 'scripts', 'typescript-hooks.mjs'),
];
