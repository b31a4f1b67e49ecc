import { access, constants, readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { AdoptedDisks, SourceVm } from '@ledgerlift/contracts';
import { z } from 'zod';
import { allocatedSize } from '../files/layout.js';
import { TargetUnusable, UnsafePath } from '../errors.js';
import { type ImageHeader, imageHeader } from '../files/images.js';
import { errorCode, kindOf, resolveInside } from '../files/paths.js';
import type { AdoptedDisk, AdoptedProblem, AdoptedVm, DiskUser } from '../plan.js';
import { describeOwner, MARKER, readOwner } from './marker.js';

export interface AdoptedRequest {
  readonly vm: Pick<SourceVm, 'id' | 'name' | 'disks'>;
  /** Absent: find files labelled with the VM's id. */
  readonly where: AdoptedDisks | undefined;
}

/** Label with the id of the disk's source VM, as in Forklift. */
const VM_LABEL = 'vmID';
/** Label with the disk's id, needed if the VM has several. */
const DISK_LABEL = 'diskID';

/**
 * Finds the disks that other tools brought, and checks that each exists once, inside the root, with the source's size, in a
 * form that can be converted in place, and without another user. Read-only.
 *
 * @param usedBy path relative to the root → the migration that uses it
 * @returns id of the source VM → its disks
 */
export async function findAdoptedDisks(
  root: string,
  requests: readonly AdoptedRequest[],
  usedBy: ReadonlyMap<string, DiskUser> = new Map(),
): Promise<ReadonlyMap<string, AdoptedVm>> {
  const isLabelled = requests.some(({ where }) => where === undefined || 'labels' in where);
  const labelled = isLabelled ? await labelledFiles(root) : { files: [], unreadable: [] };
  const found = new Map<string, AdoptedVm>();
  // Keyed by device and inode, because two names may be one file.
  const takenHere = new Map<string, string>();
  for (const { vm, where } of requests) {
    const named = namesOf(vm, where, labelled);
    const problems = [...named.problems];
    const disks: AdoptedDisk[] = [];
    for (const [index, name] of named.names.entries()) {
      const disk = vm.disks[index];
      if (disk === undefined || name === undefined) continue;
      const looked = await look(root, name, disk.capacityBytes);
      const twice = looked.file === undefined ? undefined : takenHere.get(looked.file);
      const user = twice === undefined ? userOf(usedBy.get(name), where) : `it is also a disk of "${twice}"`;
      if (looked.problem !== undefined) problems.push(looked.problem);
      else if (user !== undefined) problems.push({ reason: 'InUse', message: `"${name}": ${user}` });
      else disks.push({ diskId: disk.id, name, format: looked.format });
      if (looked.file !== undefined) takenHere.set(looked.file, vm.name);
    }
    found.set(vm.id, { disks, problems });
  }
  return found;
}

/** @returns why a plan may not take a disk that is in use; undefined if it may */
function userOf(user: DiskUser | undefined, where: AdoptedDisks | undefined): string | undefined {
  if (user?.givesUp === undefined) return user?.what;
  if (user.givesUp === where?.takenFrom) return undefined;
  return `${user.what}; if its VM is no longer needed, set \`takenFrom: ${user.givesUp}\` beside the disks`;
}

interface Names {
  /** One for each disk, in the VM's order. */
  readonly names: readonly (string | undefined)[];
  readonly problems: readonly AdoptedProblem[];
}

function namesOf(vm: AdoptedRequest['vm'], where: AdoptedDisks | undefined, labelled: LabelledFiles): Names {
  if (where !== undefined && 'files' in where) {
    const { files } = where;
    if (files.length === vm.disks.length) return { names: files, problems: [] };
    const message = `the plan names ${files.length} files, but the VM has ${vm.disks.length} disks`;
    return {
      names: [],
      problems: [{ reason: files.length < vm.disks.length ? 'NotFound' : 'Ambiguous', message }],
    };
  }
  const wanted = Object.entries(where?.labels ?? { [VM_LABEL]: vm.id });
  const labels = wanted.map(([label, value]) => `${label}=${value}`).join(', ');
  const files = labelled.files.filter((file) =>
    wanted.every(([label, value]) => file.labels[label] === value),
  );
  const problems: AdoptedProblem[] = [];
  const names = vm.disks.map(({ id }) => {
    const isOnly = vm.disks.length === 1;
    const its = files.filter(({ labels: { [DISK_LABEL]: of } }) => of === id || (of === undefined && isOnly));
    if (its.length === 1) return its[0]?.name;
    const some = its.map(({ name }) => name).join(', ');
    const unreadable =
      labelled.unreadable.length === 0
        ? ''
        : ` (labels that cannot be read: ${labelled.unreadable.join(', ')})`;
    problems.push(
      its.length > 1
        ? {
            reason: 'Ambiguous',
            message: `several files match the disk "${id}": ${some} are all labelled ${labels}`,
          }
        : files.length > 0
          ? {
              reason: 'Ambiguous',
              message: `${files.length} files are labelled ${labels}, but none has \`${DISK_LABEL}\` set to "${id}"`,
            }
          : {
              reason: 'NotFound',
              message: `no file is labelled ${labels}, for the disk "${id}"${unreadable}`,
            },
    );
    return undefined;
  });
  return { names, problems };
}

type Looked =
  | { readonly problem: AdoptedProblem; readonly file?: string | undefined }
  | { readonly problem?: undefined; readonly file: string; readonly format: ImageHeader['format'] };

async function look(root: string, name: string, capacityBytes: number): Promise<Looked> {
  const problem = (reason: AdoptedProblem['reason'], why: string): Looked => ({
    problem: { reason, message: `"${name}": ${why}` },
  });
  try {
    const path = await resolveInside(root, name);
    const kind = await kindOf(path);
    if (kind === 'absent') return problem('NotFound', 'the target has no such file');
    if (kind !== 'file') return problem('NotUsable', `it is a ${kind}, not a file`);
    for (let [folder, depth] = [dirname(path), name.split('/').length]; depth > 1; depth -= 1) {
      const owner = await readOwner(folder);
      folder = dirname(folder);
      if (owner !== undefined) return problem('InUse', describeOwner(owner));
    }
    await access(path, constants.R_OK | constants.W_OK);
    const { format, size, refusal } = await imageHeader(path);
    if (refusal !== undefined) return problem('NotUsable', refusal);
    const expected = allocatedSize(capacityBytes);
    if (size !== expected)
      return problem('OtherSize', `it has ${size} bytes, but the source's disk has ${expected}`);
    const { dev, ino } = await stat(path);
    return { file: `${dev}:${ino}`, format };
  } catch (error) {
    if (error instanceof UnsafePath || error instanceof TargetUnusable)
      return problem('NotUsable', error.message);
    if (errorCode(error) !== '') return problem('NotUsable', `it cannot be used (${errorCode(error)})`);
    throw error;
  }
}

/** Suffix of the file beside a brought disk that labels it. */
export const LABELS_SUFFIX = '.labels.json';
const Labels = z.record(z.string(), z.string());

export interface LabelledFile {
  /** Path of the disk file, relative to the target's root. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface LabelledFiles {
  readonly files: readonly LabelledFile[];
  /** Files whose labels cannot be parsed. */
  readonly unreadable: readonly string[];
}

/** Limits beyond anything that a person or such a tool would write. */
const DEEPEST = 16;
const LARGEST = 65_536;

/**
 * Lists the labelled files below a target's root. Skips folders of migrated VMs and symbolic links. Empty if the root cannot
 * be read, which `look` reports.
 */
export async function labelledFiles(root: string): Promise<LabelledFiles> {
  const files: LabelledFile[] = [];
  const unreadable: string[] = [];
  const look = async (folder: string, depth: number): Promise<void> => {
    const entries = await readdir(join(root, folder), { withFileTypes: true }).catch((error: unknown) => {
      if (errorCode(error) === '') throw error;
      return [];
    });
    if (entries.some(({ name }) => name === MARKER)) return;
    for (const entry of entries.toSorted((one, other) => (one.name < other.name ? -1 : 1))) {
      const name = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory() && depth < DEEPEST) await look(name, depth + 1);
      if (!entry.isFile() || !name.endsWith(LABELS_SUFFIX)) continue;
      const labels = await readLabels(join(root, name));
      if (labels === undefined) unreadable.push(name);
      else files.push({ name: name.slice(0, -LABELS_SUFFIX.length), labels });
    }
  };
  await look('', 0);
  return { files, unreadable };
}

async function readLabels(path: string): Promise<Readonly<Record<string, string>> | undefined> {
  try {
    if ((await stat(path)).size > LARGEST) return undefined;
    return Labels.safeParse(JSON.parse(await readFile(path, 'utf8'))).data;
  } catch (error) {
    if (error instanceof SyntaxError || errorCode(error) !== '') return undefined;
    throw error;
  }
}
