import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import type { Condition } from '@ledgerlift/contracts';
import { UnsafePath } from '../errors.js';
import type { RoomRequest, TargetSettings } from '../port.js';
import { freeBytes, nearestExisting } from './disks.js';
import { describeOwner, readOwner } from './marker.js';
import { roomNeeded } from './room.js';
import { errorCode, kindOf, resolveInside } from './safe-path.js';

/** Whether the folder is there, or can be made, and may be written. Makes nothing. */
export async function checkFolder({ path }: TargetSettings): Promise<Condition[]> {
  const notReady = (reason: string, message: string): Condition[] => [
    critical('DestinationProviderNotReady', reason, message, [path]),
  ];
  try {
    const existing = await nearestExisting(path);
    const there = await stat(existing);
    if (!there.isDirectory())
      return notReady(
        'NotAFolder',
        `"${existing}" is not a folder, so nothing can be stored in "${path}". Name a folder.`,
      );
    await access(existing, constants.W_OK | constants.X_OK);
    return [];
  } catch (error) {
    return notReady(
      'NotWritable',
      `The folder "${path}" cannot be made or written (${reasonOf(error)}). Check that it is mounted and writable ` +
        'for the services at its sites.',
    );
  }
}

/** Whether all the VMs fit, taken together. */
export async function checkRoom({ path }: TargetSettings, vms: readonly RoomRequest[]): Promise<Condition[]> {
  const needed = vms.reduce((sum, vm) => sum + roomNeeded(vm), 0);
  let free: number;
  try {
    free = await freeBytes(path);
  } catch {
    // That the folder cannot be reached is said by its own condition.
    return [];
  }
  if (needed <= free) return [];
  const message =
    `The VMs need up to ${gib(needed)} at "${path}", and ${gib(free)} are free. Free some, take another target, ` +
    'or migrate fewer VMs in one plan.';
  return [critical('TargetRoomNotEnough', 'NotEnoughRoom', message, [path])];
}

/** Names that are taken, whoever took them: a plan does not start over what is there. */
export async function checkNames(
  { path }: TargetSettings,
  vms: readonly { readonly namespace: string; readonly targetName: string }[],
): Promise<Condition[]> {
  const conditions = await Promise.all(
    vms.map(async ({ namespace, targetName }): Promise<Condition[]> => {
      const name = `${namespace}/${targetName}`;
      const why = await takenBy(path, name);
      if (why === undefined) return [];
      const message =
        `"${path}/${name}" exists already: ${why}. Move it away, abandon or cancel the migration that made it, or ` +
        'give the VM another targetName.';
      return [critical('VMAlreadyExists', 'NameTaken', message, [targetName])];
    }),
  );
  return conditions.flat();
}

async function takenBy(root: string, name: string): Promise<string | undefined> {
  try {
    const folder = await resolveInside(root, name);
    const kind = await kindOf(folder);
    if (kind === 'absent') return undefined;
    const owner = kind === 'folder' ? await readOwner(folder) : undefined;
    return owner === undefined ? 'it was not made by Ledgerlift' : describeOwner(owner);
  } catch (error) {
    if (error instanceof UnsafePath) return error.message;
    if (errorCode(error) !== '') return `it cannot be looked at (${errorCode(error)})`;
    throw error;
  }
}

const reasonOf = (error: unknown): string => {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  return errorCode(cause) || 'unknown error';
};
const gib = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`;

const critical = (type: string, reason: string, message: string, items: string[]): Condition => ({
  type,
  category: 'Critical',
  reason,
  message,
  items,
  durable: false,
});
