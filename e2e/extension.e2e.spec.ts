import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { copyFile, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ScheduleLimits } from '@ledgerlift/contracts';
import { applyStubMarker, extensionModule, makeSmallDisk } from '@ledgerlift/testing';
import { Installation } from './installation/installation.js';
import { disksAreEqual, judgeLog } from './installation/judge.js';
import { root, testingExtensions } from './installation/root.js';

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

const leftIn = (folder: string): string | readonly string[] =>
  existsSync(folder) ? readdirSync(folder, { recursive: true }).map(String) : 'nothing';

/** A target beside the folder that the installation has, and mappings that lead there. */
async function addBox(): Promise<string> {
  const path = at.folder.file('box');
  await mkdir(path);
  await at.call('providers.create', { body: { name: 'box', type: 'x-toybox', settings: { path } } });
  const ends = { source: 'toys', target: 'box' };
  const bodies = [
    { kind: 'network', name: 'box-nets', pairs: [{ source: 'toy-net', destination: { type: 'pod' } }] },
    {
      kind: 'storage',
      name: 'box-disks',
      pairs: [{ source: 'toy-box', destination: { storageClass: 'shelf' } }],
    },
  ];
  for (const body of bodies) await at.call('mappings.create', { body: { ...body, ...ends } });
  return path;
}
const toBox = { source: 'toys', target: 'box', networkMapping: 'box-nets', storageMapping: 'box-disks' };

/** The disk is the toy's, and converted where it was to be. */
async function expectBear(how: string, disk: string): Promise<void> {
  const wanted = at.folder.file(`wanted-${how}.raw`);
  await copyFile(at.folder.file('toys', 'bear.raw'), wanted);
  if (how === 'converted') await applyStubMarker(wanted, 0);
  expect(disksAreEqual(wanted, disk)).toBe(true);
}

describe('a provider that is an extension', () => {
  it.each([
    ['converted', {}],
    ['copied', { skipGuestConversion: true }],
  ])('has a VM migrated through all four services: %s', async (how, change) => {
    const names = { ref: 'bear', targetName: how };
    const migration = await at.migrate(how, [], { source: 'toys', vms: [names], ...change });
    await at.succeeded(migration);
    await expectBear(how, at.folder.file('out', 'default', how, `${how}-disk-0.raw`));
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

describe('a target that is an extension', () => {
  let box: string;
  const boxed = (name: string): string => join(box, 'default', name);
  const bear = (targetName: string) => ({ ...toBox, vms: [{ ref: 'bear', targetName }] });
  beforeAll(async () => {
    box = await addBox();
  });

  it.each([
    ['converted', { targetPowerState: 'on' as const }],
    ['copied', { skipGuestConversion: true }],
  ])('has a VM of another extension made in it: %s', async (how, change) => {
    const migration = await at.migrate(`boxed-${how}`, [], { ...bear(how), ...change });
    await at.succeeded(migration);
    await expectBear(how, join(boxed(how), `${how}-disk-0.raw`));
    const page = JSON.parse(await readFile(join(boxed(how), 'manifests', 'vm.json'), 'utf8'));
    expect(page).toMatchObject({ name: how, runStrategy: how === 'copied' ? 'Halted' : 'Always' });
    const { target, logs } = await at.vm(migration);
    expect(target).toMatchObject({ where: box, folder: `default/${how}` });
    if (how !== 'converted') return;
    const log = await fetch(`${at.url}/api/v1/migrations/${migration}/vms/0/log?name=${logs[0] ?? ''}`);
    expect(await log.text()).toContain('gcaps_block_bus');
  });

  it('is asked what stands against a plan', async () => {
    await mkdir(boxed('taken'), { recursive: true });
    const refused = at.migrate('boxed-taken', [], bear('taken'));
    await expect(refused).rejects.toThrow(/VMAlreadyExists.*it is in the box/s);
  });

  it('has what a cancelled migration made taken away', async () => {
    await at.call('schedule.set', { body: ScheduleLimits.parse({ bytesPerSecond: MiB / 4 }) });
    const migration = await at.migrate('boxed-cancelled', [], bear('cancelled'));
    await at.reached(migration, 'DiskTransfer');
    expect(existsSync(boxed('cancelled'))).toBe(true);
    await at.call('migrations.cancel', { params: { migration }, body: { reason: 'enough' } });
    expect((await at.ended(migration)).status).toBe('canceled');
    expect({ kept: (await at.vm(migration)).kept, left: leftIn(boxed('cancelled')) }).toEqual({
      kept: [],
      left: 'nothing',
    });
    expect((await judgeLog(at.logFile)).findings).toBe(0);
  });
});

describe('a variable that an extension needs to read disks', () => {
  it.each(['transfer', 'converter'])('that is wrong is told by the %s at its start', async (service) => {
    const variables = `{ TOY_ROOM: z.coerce.number().describe('the square metres that toys have') }`;
    const needs = `requirements: { variables: ${variables}, look: async () => ({}), report: async () => [] }`;
    const env = {
      PATH: process.env['PATH'],
      LEDGERLIFT_EXTENSIONS: extensionModule(at.folder, 'x-toys', needs),
      LEDGERLIFT_NATS_URL: at.nats.url,
      TOY_ROOM: 'plenty',
    };
    const main = join(root, 'apps', service, 'dist', 'main.js');
    await expect(
      promisify(execFile)(process.execPath, [main], { env, timeout: 60_000 }),
    ).rejects.toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/TOY_ROOM is 'plenty'; set it to the square metres.*cannot start/),
    });
  });
});
