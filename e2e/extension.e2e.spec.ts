import { copyFile, mkdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { applyStubMarker, makeSmallDisk } from '@ledgerlift/testing';
import { Installation } from './installation/installation.js';
import { disksAreEqual, judgeLog } from './installation/judge.js';
import { testingExtensions } from './installation/root.js';

const MiB = 1024 * 1024;
let at: Installation;
let toys: string;

beforeAll(async () => {
  at = await Installation.start({ env: testingExtensions });
  toys = at.folder.file('toys');
  await mkdir(toys);
  await makeSmallDisk(at.folder.file('toys', 'bear.raw'), { size: 8 * MiB, seed: 1 });
  await at.prepare({
    source: { name: 'toys', type: 'x-toy', settings: { path: toys } },
    network: 'toy-net',
    storage: 'toy-box',
  });
});
afterAll(() => at[Symbol.asyncDispose](), 60_000);

describe('a provider that is an extension', () => {
  it.each([
    ['converted', {}],
    ['copied', { skipGuestConversion: true }],
  ])('has a VM migrated through all four services: %s', async (how, change) => {
    const names = { ref: 'bear', targetName: how };
    const migration = await at.migrate(how, [], { source: 'toys', vms: [names], ...change });
    await at.succeeded(migration);
    const wanted = at.folder.file(`wanted-${how}.raw`);
    await copyFile(at.folder.file('toys', 'bear.raw'), wanted);
    if (how === 'converted') await applyStubMarker(wanted, 0);
    expect(disksAreEqual(wanted, at.folder.file('out', 'default', how, `${how}-disk-0.raw`))).toBe(true);
    expect((await judgeLog(at.logFile)).findings).toBe(0);
  });

  it.each([
    ['of an extension that no service has', { type: 'x-other', settings: {} }, 'LL-EXT-002', 'type'],
    [
      'with settings that it does not take',
      { type: 'x-toy', settings: { path: 'toys' } },
      'LL-EXT-003',
      'settings.path',
    ],
  ])('%s is refused at its creation', async (_what, body, code, field) => {
    const refused = at.call('providers.create', { body: { name: 'refused', ...body } });
    await expect(refused).rejects.toThrow(
      expect.objectContaining({ message: expect.stringContaining(code) }),
    );
    await expect(refused).rejects.toThrow(`"field":"${field}"`);
  });
});
