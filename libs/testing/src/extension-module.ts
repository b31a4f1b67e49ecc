import { writeFileSync } from 'node:fs';
import type { TemporaryFolder } from './temporary-folder.js';

/** What is called of every provider. */
const METHODS = [
  'check',
  'inventory',
  'verifyDigests',
  'currentVm',
  'powerState',
  'powerOff',
  'currentMoment',
  'powerOn',
  'diskAccess',
];

/**
 * Writes the module of an extension whose only provider does nothing, and whose settings have a number `room`.
 *
 * @param type of the provider
 * @param change properties of the provider that come last, as source text; `z` is zod
 * @returns the path of the module, another one for each call
 */
export function extensionModule(folder: TemporaryFolder, type: string, change = ''): string {
  made += 1;
  const path = folder.file(`module-${made}.mjs`);
  writeFileSync(
    path,
    `import { createRequire } from 'node:module';
     const { z } = createRequire(${JSON.stringify(import.meta.filename)})('zod');
     const provider = {
       type: '${type}', settings: z.looseObject({ room: z.number('must be a number') }),
       migrationTypes: ['cold'], conversion: 'needed', ${METHODS.map((name) => `${name}: async () => [],`).join(' ')} ${change}
     };
     export const providers = [provider];`,
  );
  return path;
}
let made = 0;
