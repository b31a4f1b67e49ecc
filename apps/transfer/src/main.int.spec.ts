import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from '@jest/globals';
import { extensionModule, temporaryFolder, typescriptArguments } from '@ledgerlift/testing';

it('a variable of an extension that is wrong is told at the start, as one of our own is', async () => {
  await using folder = temporaryFolder('transfer-main');
  const variables = `{ TOY_ROOM: z.coerce.number().describe('how many square metres the toys have') }`;
  const needs = `requirements: { variables: ${variables}, look: async () => ({}), report: async () => [] }`;
  const env = {
    PATH: process.env['PATH'],
    LEDGERLIFT_EXTENSIONS: extensionModule(folder, 'x-toys', needs),
    LEDGERLIFT_NATS_URL: 'nats://127.0.0.1:1',
    TOY_ROOM: 'plenty',
  };
  const main = [...typescriptArguments, join(import.meta.dirname, 'main.ts')];
  await expect(promisify(execFile)(process.execPath, main, { env })).rejects.toMatchObject({
    code: 1,
    stdout: expect.stringMatching(/TOY_ROOM.*plenty.*how many square metres the toys have.*cannot start/),
  });
});
