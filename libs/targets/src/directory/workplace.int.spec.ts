import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { temporaryFolder, type TemporaryFolder, vmRecord } from '@ledgerlift/testing';
import { guardOf, type Workplace } from '../workplace.js';
import { targetOf } from '../registry.js';
import { targetVm } from '../vm-model/index.js';

let folder: TemporaryFolder;
beforeEach(() => {
  folder = temporaryFolder('workplace');
});
afterEach(async () => {
  await folder[Symbol.asyncDispose]();
});

const over = new Error('the attempt is over');
const record = () => vmRecord({ root: folder.path, settings: { type: 'warm' } });
const at = (signal: AbortSignal): Promise<Workplace> =>
  targetOf('directory').workplace(record(), guardOf({ ref: { attempt: 1 }, signal }));
const disk = () => record().disks[0] ?? { diskId: 'none', name: 'none' };

// What it does by `workOnFiles` is seen in ../files/work-on-files.int.spec.ts.
describe('the workplace of an attempt that is over', () => {
  const effects: Readonly<Record<string, (place: Workplace) => Promise<unknown>>> = {
    open: (place) => place.open(),
    create: (place) => place.vm.create(targetVm(record())),
    setRunStrategy: (place) => place.vm.setRunStrategy(targetVm(record())),
    release: (place) =>
      place.release({ kind: 'disk', name: disk().name, service: 'transfer', lifetime: 'result' }),
    sweep: (place) => place.sweep([]),
  };

  it.each(Object.keys(effects))('changes nothing: %s', async (name) => {
    const place = await at(new AbortController().signal);
    await place.open();
    await place.disks.allocate(disk().diskId, 2 ** 20);
    const before = readdirSync(folder.path, { recursive: true });
    const late = await at(AbortSignal.abort(over));
    await expect(effects[name]?.(late)).rejects.toBe(over);
    // A folder for manifests may have been made: it holds nothing.
    const after = readdirSync(folder.path, { recursive: true });
    expect(after.filter((each) => !String(each).endsWith('manifests'))).toEqual(before);
  });

  it('asks at the last moment, not when it is made', async () => {
    const controller = new AbortController();
    const place = await at(controller.signal);
    await place.open();
    controller.abort(over);
    await expect(place.disks.allocate(disk().diskId, 2 ** 20)).rejects.toBe(over);
    expect(existsSync(join(folder.path, disk().name))).toBe(false);
  });
});

describe('a workplace', () => {
  it('is made once, and found again', async () => {
    const signal = new AbortController().signal;
    await (await at(signal)).open();
    await (await at(signal)).open();
    await (await at(signal)).seeOurs();
  });

  it('is not made where something else is', async () => {
    mkdirSync(join(folder.path, record().folder), { recursive: true });
    writeFileSync(join(folder.path, record().folder, 'mine'), '');
    const place = await at(new AbortController().signal);
    await expect(place.open()).rejects.toMatchObject({ code: 'LL-TGT-002' });
    await expect(place.seeOurs()).rejects.toMatchObject({ code: 'LL-TGT-002' });
  });

  it('takes away what older versions left beside a resource', async () => {
    const place = await at(new AbortController().signal);
    await place.open();
    const name = `${disk().name}.chunks`;
    for (const each of [name, `${name}.new`, `${name}.previous`]) writeFileSync(join(folder.path, each), '');
    const chunks = { kind: 'chunk-manifest', name, service: 'transfer', lifetime: 'resume' } as const;
    expect(await place.release(chunks)).toBe('removed');
    expect(readdirSync(join(folder.path, record().folder)).filter((each) => each.includes('chunks'))).toEqual(
      [],
    );
    expect(await place.release(chunks)).toBe('absent');
  });
});
