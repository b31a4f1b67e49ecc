import { constants } from 'node:fs';
import { access, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { DirectorySettings } from '@ledgerlift/contracts';
import type { Looked, PlanAtTarget, TargetAt, TargetUse, TargetView } from '../plan.js';
import { findBroughtDisks } from './brought.js';
import { kindOf } from '../files/safe-path.js';

/**
 * Looks at what the workers would find, and touches nothing. A folder that is not there yet is made later, so its nearest
 * existing parent counts.
 */
export async function look(
  { settings: { path } }: TargetAt<DirectorySettings>,
  { spec, vms }: PlanAtTarget,
  use: TargetUse,
): Promise<Looked<TargetView>> {
  const places = vms.map(({ targetName, targetNamespace }) => `${targetNamespace}/${targetName}`);
  const { problems, freeBytes, taken } = await lookAt(path, places);
  const requests = vms.map(({ vm, brought }) => ({ vm, where: brought }));
  const brought = spec.type === 'conversion' ? await findBroughtDisks(path, requests, use.disks) : new Map();
  return { problems, view: { freeBytes, taken: new Map([...taken, ...use.places]), brought } };
}

type Seen = Pick<Looked<TargetView>, 'problems'> & Pick<TargetView, 'freeBytes' | 'taken'>;

async function lookAt(path: string, places: readonly string[]): Promise<Seen> {
  try {
    const existing = await nearestExisting(path);
    if (!(await stat(existing)).isDirectory()) return unusable(path, `${existing} is not a folder`);
    await access(existing, constants.W_OK | constants.X_OK);
    const { bavail, bsize } = await statfs(existing);
    const taken = new Map<string, string>();
    for (const place of places) {
      const at = join(path, place);
      if ((await kindOf(at)) !== 'absent') taken.set(place, `${at} exists`);
    }
    return { problems: [], freeBytes: bavail * bsize, taken };
  } catch (error) {
    return unusable(path, error instanceof Error ? error.message : String(error));
  }
}

const unusable = (path: string, message: string): Seen => ({
  problems: [{ item: path, code: 'NotWritable', message }],
  freeBytes: undefined,
  taken: new Map(),
});

async function nearestExisting(path: string): Promise<string> {
  if ((await kindOf(path)) !== 'absent') return path;
  const parent = dirname(path);
  return parent === path ? path : nearestExisting(parent);
}
