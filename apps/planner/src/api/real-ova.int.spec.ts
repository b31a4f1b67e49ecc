/**
 * Express loads CommonJS packages, which must not be given their ES modules.
 *
 * @jest-environment-options {"customExportConditions": ["@ledgerlift/source", "node"]}
 */
import { open, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { InventoryView, PlanValidation, Rehearsal } from '@ledgerlift/contracts';
import { openTemporaryLog } from '@ledgerlift/event-log/contract';
import { providerSourceAccess } from '@ledgerlift/planning';
import { inventoryOf, networkSpec, planSpec, storageSpec } from '@ledgerlift/planning/spec';
import { type TemporaryFolder, buildOva, makeSmallDisk, temporaryFolder } from '@ledgerlift/testing';
import { PlannerUnderTest } from './spec/planner-under-test.js';

let temporary: Awaited<ReturnType<typeof openTemporaryLog>>;
let planner: PlannerUnderTest;
let ovas: TemporaryFolder;
let work: TemporaryFolder;

beforeEach(async () => {
  temporary = await openTemporaryLog();
  planner = await PlannerUnderTest.start(temporary.log, inventoryOf(), providerSourceAccess);
  ovas = temporaryFolder('ovas');
  work = temporaryFolder('raw');
  const raw = work.file('raw');
  await makeSmallDisk(raw, { size: 4 * 1024 * 1024 });
  await buildOva({
    name: 'web',
    folder: ovas.path,
    vms: [{ name: 'web', disks: [{ raw }], nics: [{ network: 'VM Network' }] }],
  });
  const directory = { name: 'out', type: 'directory', settings: { path: planner.folder } };
  await planner.call('POST', '/providers', { name: 'files', type: 'ova', settings: { path: ovas.path } });
  await planner.call('POST', '/providers', directory);
  await planner.call('POST', '/mappings', networkSpec);
  await planner.call('POST', '/mappings', storageSpec);
  await planner.call('POST', '/plans', planSpec);
});
afterEach(async () => {
  await planner.stop();
  await temporary.destroy();
  await ovas.remove();
  await work.remove();
});

const validation = async () =>
  PlanValidation.parse((await planner.call('POST', '/plans/first-wave/validate')).body);

describe('a plan of a real OVA', () => {
  it('is ready, and starts', async () => {
    expect(await validation()).toMatchObject({ ready: true });
    expect((await planner.call('POST', '/plans/first-wave/start')).status).toBe(201);
  });

  it('is rehearsed: what its disks hold will be read, and nothing is changed', async () => {
    const head = await temporary.log.head();
    const rehearsal = Rehearsal.parse((await planner.call('POST', '/plans/first-wave/rehearse')).body);
    const [vm] = rehearsal.vms;
    expect(vm).toMatchObject({
      order: 1,
      wave: 1,
      waitsFor: [],
      bytes: { capacity: 4 * 1024 * 1024, from: 'extents' },
    });
    expect(vm?.bytes.read).toBeGreaterThan(0);
    expect(vm?.bytes.read).toBeLessThan(4 * 1024 * 1024);
    expect(vm?.steps.map(({ step }) => step)).toEqual(
      expect.arrayContaining(['DiskTransfer', 'ImageCommit']),
    );
    expect(rehearsal.figures?.bytesPerSecond).toEqual({ value: 100_000_000, measured: 0 });
    expect(rehearsal.total).toMatchObject({ vms: 1, withoutExtents: 0, longestDowntimeMs: 0 });
    expect(await temporary.log.head()).toEqual(head);
  });

  it('of which something is Critical is rehearsed no further than that', async () => {
    await planner.call('PUT', '/plans/first-wave', { ...planSpec, type: 'warm' });
    const rehearsal = Rehearsal.parse((await planner.call('POST', '/plans/first-wave/rehearse')).body);
    expect(rehearsal).toMatchObject({
      ready: false,
      vms: [],
      conditions: [{ type: 'MigrationTypeNotValid' }],
    });
  });

  it('does not start when a byte of a disk is not what the manifest says', async () => {
    const path = join(ovas.path, 'web.ova');
    const { size } = await stat(path);
    const file = await open(path, 'r+');
    // The tar ends with two empty blocks at least; what stands well before them is the disk.
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, Math.floor(size / 2));
    await file.write(Buffer.from([(buffer[0] ?? 0) ^ 0xff]), 0, 1, Math.floor(size / 2));
    await file.close();
    expect(await validation()).toMatchObject({
      ready: false,
      conditions: expect.arrayContaining([expect.objectContaining({ type: 'OVADigestMismatch' })]),
    });
  });

  it('tells of a file beside it that cannot be read, and goes on without it', async () => {
    await writeFile(join(ovas.path, 'broken.ova'), 'this is no tar');
    const { conditions, ready } = await validation();
    expect(conditions).toEqual([expect.objectContaining({ type: 'OVANotReadable', category: 'Warn' })]);
    expect(ready).toBe(true);
    const { body } = await planner.call('GET', '/providers/files/inventory');
    expect(InventoryView.parse(body)).toMatchObject({
      vms: [{ name: 'web' }],
      problems: [{ item: expect.stringContaining('broken.ova') }],
    });
  });

  it('does not start when its folder is gone', async () => {
    await ovas.remove();
    expect(await validation()).toMatchObject({
      ready: false,
      conditions: [{ type: 'SourceProviderNotReady' }],
    });
  });
});
