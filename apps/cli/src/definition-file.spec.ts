import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { PlanSpec, type ProviderSpec } from '@ledgerlift/contracts';
import { type TemporaryFolder, temporaryFolder } from '@ledgerlift/testing';
import fc from 'fast-check';
import { BadDefinition, readDefinitions } from './definition-file.js';

let temporary: TemporaryFolder;
let folder: string;
beforeAll(async () => {
  temporary = temporaryFolder('definitions');
  folder = temporary.path;
});
afterAll(() => temporary.remove());

async function read(
  text: string,
  schema: typeof PlanSpec | typeof ProviderSpec = PlanSpec,
): Promise<readonly unknown[]> {
  const file = join(folder, 'definitions.yaml');
  await writeFile(file, text);
  return readDefinitions(file, schema);
}

const plan = `name: first
source: files
target: out
networkMapping: nets
storageMapping: disks
vms:
  - ref: web
`;

describe('a file of definitions', () => {
  it('is the standard input if it is named -', async () => {
    const given = Readable.from([plan]) as typeof process.stdin;
    const stdin = jest.spyOn(process, 'stdin', 'get').mockReturnValue(given);
    try {
      expect(await readDefinitions('-', PlanSpec)).toMatchObject([{ name: 'first' }]);
    } finally {
      stdin.mockRestore();
    }
  });

  it('returns its documents as written', async () => {
    expect(await read(`${plan}---\n${plan.replace('first', 'second')}`)).toMatchObject([
      { name: 'first' },
      { name: 'second' },
    ]);
  });

  it('is refused with the field and its line', async () => {
    await expect(read(plan.replace('name: first', 'name: First'))).rejects.toMatchObject({
      code: 'LL-CLI-003',
      field: 'name',
      message: expect.stringContaining('(line 1)'),
    });
    await expect(read(`${plan}verify: sometimes\n`)).rejects.toMatchObject({ field: 'verify' });
  });

  it('is refused if it is missing, empty, has a duplicate key, or explodes through aliases', async () => {
    await expect(readDefinitions(join(folder, 'nothing.yaml'), PlanSpec)).rejects.toThrow(BadDefinition);
    await expect(read('')).rejects.toThrow(BadDefinition);
    await expect(read(`${plan}name: again\n`)).rejects.toThrow(BadDefinition);
    const levels = Array.from(
      { length: 12 },
      (_, n) => `l${n + 1}: &l${n + 1} [${Array.from({ length: 9 }, () => `*l${n}`).join(',')}]`,
    );
    await expect(read(`l0: &l0 [x]\n${levels.join('\n')}\n`)).rejects.toThrow(BadDefinition);
  });

  it('is read, or refused with a code, in each of 500 broken variants', async () => {
    const mutated = fc.tuple(fc.nat(plan.length), fc.nat(12), fc.string({ unit: 'grapheme', maxLength: 12 }));
    await fc.assert(
      fc.asyncProperty(mutated, async ([at, cut, text]) => {
        const broken = plan.slice(0, at) + text + plan.slice(at + cut);
        try {
          await read(broken);
        } catch (error) {
          expect(error).toBeInstanceOf(BadDefinition);
        }
      }),
      { numRuns: 500 },
    );
  });
});
