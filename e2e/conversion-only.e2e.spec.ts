import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { PlanSpecInput } from '@ledgerlift/contracts';
import { applyStubMarker, buildOva, makeSmallDisk, stubVirtV2v, temporaryFolder } from '@ledgerlift/testing';
import { Installation } from './installation/installation.js';
import { disksAreEqual, filesBelow, judgeLog } from './installation/judge.js';

const MiB = 1024 * 1024;
const tools = temporaryFolder('v2v');
let at: Installation;

/** What the stand-in for virt-v2v does from now on. */
const conversions = (how: 'ok' | 'fail' | 'hang'): void => writeFileSync(tools.file('outcome'), how);

beforeAll(async () => {
  conversions('ok');
  const script = `#!/bin/sh\nV2V_STUB_OUTCOME=$(cat ${tools.file('outcome')}) exec ${stubVirtV2v} "$@"\n`;
  writeFileSync(tools.file('v2v'), script, { mode: 0o755 });
  at = await Installation.start({ env: { LEDGERLIFT_V2V_COMMAND: tools.file('v2v') } });
  await makeSmallDisk(at.folder.file('one.raw'), { size: 8 * MiB, seed: 1 });
  await makeSmallDisk(at.folder.file('two.raw'), { size: 12 * MiB, seed: 2 });
  const disks = ['one.raw', 'two.raw'].map((name) => ({ raw: at.folder.file(name) }));
  const vms = [{ name: 'web', disks, nics: [{ network: 'VM Network' }] }];
  await buildOva({ name: 'web', folder: at.folder.file('ovas'), vms });
  await at.prepare();
});
afterAll(async () => {
  await at[Symbol.asyncDispose]();
  await tools.remove();
});

/** Another tool brings the VM's disks. @returns their names below the target's root */
function bring(folder: string): readonly string[] {
  mkdirSync(at.folder.file('out', folder), { recursive: true });
  return ['one.raw', 'two.raw'].map((name) => {
    copyFileSync(at.folder.file(name), at.folder.file('out', folder, name));
    return `${folder}/${name}`;
  });
}

const digestOf = (name: string): string =>
  createHash('sha256')
    .update(readFileSync(at.folder.file('out', name)))
    .digest('hex');

/** The disk as the stand-in for virt-v2v leaves it. */
async function converted(raw: string, index: number): Promise<string> {
  const copy = at.folder.file(`converted-${raw}`);
  copyFileSync(at.folder.file(raw), copy);
  await applyStubMarker(copy, index);
  return copy;
}

/** A plan of the one VM, under a name of its own, that names no storage. */
const convert = (name: string, files: readonly string[] | undefined, takenFrom?: string): Promise<string> => {
  const from = takenFrom === undefined ? {} : { takenFrom };
  const change: Partial<PlanSpecInput> = {
    type: 'conversion',
    storageMapping: undefined,
    retry: { maxRetries: 0, baseDelayMs: 100 },
    vms: [
      {
        ref: 'web',
        targetName: name,
        ...(files === undefined ? {} : { disks: { files: [...files], ...from } }),
      },
    ],
  };
  return at.migrate(name, [], change);
};

async function areConverted(names: readonly string[]): Promise<readonly boolean[]> {
  return Promise.all(
    ['one.raw', 'two.raw'].map(async (raw, index) =>
      disksAreEqual(await converted(raw, index), at.folder.file('out', names[index] ?? '')),
    ),
  );
}

describe('disks that another tool brought', () => {
  it('are converted where they lie, and the VM is made over them', async () => {
    const names = bring('brought/first');
    const migration = await convert('first', names);
    await at.succeeded(migration);
    expect(await areConverted(names)).toEqual([true, true]);
    const out = at.folder.file('out', 'default', 'first');
    expect(filesBelow(out)).toEqual([
      '.ledgerlift.json',
      'logs/virt-v2v.log',
      'manifests/domain.xml',
      'manifests/pvc-0.yaml',
      'manifests/pvc-1.yaml',
      'manifests/vm.yaml',
    ]);
    const domain = readFileSync(`${out}/manifests/domain.xml`, 'utf8');
    for (const name of names) expect(domain).toContain(at.folder.file('out', name));
    const { kept } = await at.vm(migration);
    expect(
      kept.filter(({ reason }) => reason === 'it existed before the migration').map(({ name }) => name),
    ).toEqual(names);
  });

  it('are found by their labels', async () => {
    const names = bring('labelled');
    const { vms } = await at.call('providers.inventory', { params: { provider: 'files' } });
    const [web] = vms;
    for (const [index, name] of names.entries()) {
      const labels = { vmID: web?.id, diskID: web?.disks[index]?.id };
      writeFileSync(at.folder.file('out', `${name}.labels.json`), JSON.stringify(labels));
    }
    await at.succeeded(await convert('labelled', undefined));
    expect(await areConverted(names)).toEqual([true, true]);
    for (const name of names) rmSync(at.folder.file('out', `${name}.labels.json`));
  });

  it('are byte for byte what they were when a conversion is canceled', async () => {
    const names = bring('brought/canceled');
    const before = names.map(digestOf);
    conversions('hang');
    try {
      const migration = await convert('canceled', names);
      // The stand-in hangs once it has written into the first disk's overlay.
      const log = at.folder.file('out', 'default', 'canceled', 'logs', 'virt-v2v.log');
      await at.until(
        migration,
        () => existsSync(log) && readFileSync(log, 'utf8').includes('i_product_name'),
      );
      await setTimeout(500);
      await at.call('migrations.cancel', { params: { migration }, body: { reason: 'a test' } });
      expect(await at.ended(migration)).toMatchObject({ status: 'canceled' });
    } finally {
      conversions('ok');
    }
    expect(names.map(digestOf)).toEqual(before);
    expect(filesBelow(at.folder.file('out')).filter((name) => name.startsWith('default/canceled'))).toEqual(
      [],
    );
  });

  it('are what they were when a conversion fails, and a retry converts them', async () => {
    const names = bring('brought/failed');
    const before = names.map(digestOf);
    conversions('fail');
    const migration = await convert('failed', names);
    expect(await at.ended(migration)).toMatchObject({ status: 'failed' });
    expect(names.map(digestOf)).toEqual(before);
    conversions('ok');
    await at.call('plans.retry', { params: { plan: 'failed' }, body: {} });
    await at.succeeded(migration);
    expect(await areConverted(names)).toEqual([true, true]);
  });

  it('are adopted by one of two plans that are started at the same time', async () => {
    const names = bring('brought/both');
    const started = await Promise.allSettled([convert('this', names), convert('that', names)]);
    expect(started.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    for (const each of started) if (each.status === 'fulfilled') await at.succeeded(each.value);
    expect(await areConverted(names)).toEqual([true, true]);
  });

  it('stay those of the migration that succeeded, until a plan says that it takes them', async () => {
    const names = bring('brought/again');
    const first = await convert('once', names);
    await at.succeeded(first);
    await expect(convert('twice', names)).rejects.toThrow(/MissingPvcForOnlyConversion/);
    // Brought anew, under the same names.
    bring('brought/again');
    const second = await convert('thrice', names, first);
    await at.succeeded(second);
    expect(await areConverted(names)).toEqual([true, true]);
    // They are the second one's now.
    await expect(convert('late', names, first)).rejects.toThrow(/MissingPvcForOnlyConversion/);
  });

  it('of another migration are refused, and what is not there is', async () => {
    const taken = ['brought/first/one.raw', 'brought/gone.raw'];
    await expect(convert('refused', taken)).rejects.toThrow(/MissingPvcForOnlyConversion/);
    const { conditions } = await at.call('plans.validate', { params: { plan: 'refused' } });
    expect(conditions.map(({ type, reason }) => `${type} ${reason}`)).toEqual([
      'MissingPvcForOnlyConversion InUse',
      'MissingPvcForOnlyConversion NotFound',
    ]);
    expect((await judgeLog(at.logFile)).findings).toBe(0);
  });
});
