import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { sourceVm, temporaryFolder, vmRecord } from '@ledgerlift/testing';
import type { PlanAtTarget } from '../plan.js';
import { targetOf } from '../registry.js';
import { planAtTarget, vmAtTarget } from '../spec/plan-at-target.js';
import { openVmFolder } from './folder.js';

const target = targetOf('directory');
const settings = (path: string) => ({ ...vmRecord().target.settings, path });
const planOf = (...names: string[]): PlanAtTarget =>
  planAtTarget({
    vms: names.map((name) => vmAtTarget({ vm: sourceVm({ id: name, name, nics: [], disks: [] }) })),
  });
const unused = { places: new Map<string, string>(), disks: new Map() };
const look = (path: string, plan = planOf(), use = unused) =>
  target.look({ settings: settings(path) }, plan, use);

describe('a directory target', () => {
  it('is ready where the folder is there, or can be made', async () => {
    await using root = temporaryFolder('look');
    expect((await look(root.path)).problems).toEqual([]);
    expect((await look(join(root.path, 'a/b'))).problems).toEqual([]);
    expect((await look(root.path)).view.freeBytes).toBeGreaterThan(0);
  });

  it('is not ready at a file, or below one', async () => {
    await using root = temporaryFolder('look');
    writeFileSync(join(root.path, 'file'), '');
    for (const path of ['file', 'file/below']) {
      const { problems, view } = await look(join(root.path, path));
      expect(problems.map(({ code }) => code)).toEqual(['NotWritable']);
      expect(view.freeBytes).toBeUndefined();
    }
  });

  it('reports names taken by existing files and by migrations that have just begun', async () => {
    await using root = temporaryFolder('look');
    await openVmFolder(vmRecord({ root: root.path }));
    mkdirSync(join(root.path, 'default/db'));
    const plan = planOf('web', 'db', 'mail', 'free');
    const places = new Map([['default/mail', 'migration m2 is creating it']]);
    const { view } = await look(root.path, plan, { ...unused, places });
    const conditions = target.conditions({ settings: settings(root.path) }, plan, view);
    expect(conditions.map(({ type, items }) => [type, items])).toEqual([
      ['VMAlreadyExists', ['web']],
      ['VMAlreadyExists', ['db']],
      ['VMAlreadyExists', ['mail']],
    ]);
    expect(conditions[0]?.message).toContain(
      `'default/web' is taken: ${join(root.path, 'default/web')} exists`,
    );
    expect(conditions[2]?.message).toContain('migration m2 is creating it');
  });
});
