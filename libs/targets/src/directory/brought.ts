import { access, constants, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { BroughtDisks, SourceVm } from '@ledgerlift/contracts';
import { TargetUnusable, UnsafePath } from '../errors.js';
import type { BroughtDisk, BroughtProblem, BroughtVm, DiskUser } from '../plan.js';
import { type LabelledFiles, labelledFiles } from './brought-labels.js';
import { allocatedSize } from '../disk-size.js';
import { type ImageHeader, imageHeader } from '../files/image-header.js';
import { describeOwner, readOwner } from './marker.js';
import { errorCode, kindOf, resolveInside } from '../files/safe-path.js';

export interface BroughtRequest {
  readonly vm: Pick<SourceVm, 'id' | 'name' | 'disks'>;
  /** None: what is labelled with the VM's id. */
  readonly where: BroughtDisks | undefined;
}

/** Says which source VM a disk belongs to, as Forklift's label of the same name. */
const VM_LABEL = 'vmID';
/** Says which of the VM's disks it is, where there are several. */
const DISK_LABEL = 'diskID';

/**
 * Finds the disks that other tools brought, and looks at each: that it is there once, inside the root, of the size that
 * the source says, in a form that can be converted where it lies, and nobody else's. Changes nothing.
 *
 * @param usedBy by path relative to the root: which other migration has it
 * @returns what was found, by id of the source VM
 */
export async function findBroughtDisks(
  root: string,
  requests: readonly BroughtRequest[],
  usedBy: ReadonlyMap<string, DiskUser> = new Map(),
): Promise<ReadonlyMap<string, BroughtVm>> {
  const isLabelled = requests.some(({ where }) => where === undefined || 'labels' in where);
  const labelled = isLabelled ? await labelledFiles(root) : { files: [], unreadable: [] };
  const found = new Map<string, BroughtVm>();
  // By device and inode: two names may be one file.
  const takenHere = new Map<string, string>();
  for (const { vm, where } of requests) {
    const named = namesOf(vm, where, labelled);
    const problems = [...named.problems];
    const disks: BroughtDisk[] = [];
    for (const [index, name] of named.names.entries()) {
      const disk = vm.disks[index];
      if (disk === undefined || name === undefined) continue;
      const looked = await look(root, name, disk.capacityBytes);
      const twice = looked.file === undefined ? undefined : takenHere.get(looked.file);
      const user = twice === undefined ? userOf(usedBy.get(name), where) : `it is a disk of "${twice}", too`;
      if (looked.problem !== undefined) problems.push(looked.problem);
      else if (user !== undefined) problems.push({ reason: 'InUse', message: `"${name}": ${user}` });
      else disks.push({ diskId: disk.id, name, format: looked.format });
      if (looked.file !== undefined) takenHere.set(looked.file, vm.name);
    }
    found.set(vm.id, { disks, problems });
  }
  return found;
}

/** @returns why a plan may not have a disk that somebody else has; undefined where it may */
function userOf(user: DiskUser | undefined, where: BroughtDisks | undefined): string | undefined {
  if (user?.givesUp === undefined) return user?.what;
  if (user.givesUp === where?.takenFrom) return undefined;
  return `${user.what}; where its VM is not wanted any more, say \`takenFrom: ${user.givesUp}\` beside the disks`;
}

interface Names {
  /** In the order of the VM's disks. */
  readonly names: readonly (string | undefined)[];
  readonly problems: readonly BroughtProblem[];
}

function namesOf(vm: BroughtRequest['vm'], where: BroughtDisks | undefined, labelled: LabelledFiles): Names {
  if (where !== undefined && 'files' in where) {
    const { files } = where;
    if (files.length === vm.disks.length) return { names: files, problems: [] };
    const message = `the plan names ${files.length} files, and the VM has ${vm.disks.length} disks`;
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
  const problems: BroughtProblem[] = [];
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
        ? { reason: 'Ambiguous', message: `the disk "${id}" is each of ${some}, all labelled ${labels}` }
        : files.length > 0
          ? {
              reason: 'Ambiguous',
              message: `${files.length} files are labelled ${labels}, and none says by \`${DISK_LABEL}\` that it is the disk "${id}"`,
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
  | { readonly problem: BroughtProblem; readonly file?: string | undefined }
  | { readonly problem?: undefined; readonly file: string; readonly format: ImageHeader['format'] };

async function look(root: string, name: string, capacityBytes: number): Promise<Looked> {
  const problem = (reason: BroughtProblem['reason'], why: string): Looked => ({
    problem: { reason, message: `"${name}": ${why}` },
  });
  try {
    const path = await resolveInside(root, name);
    const kind = await kindOf(path);
    if (kind === 'absent') return problem('NotFound', 'there is no such file at the target');
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
      return problem('OtherSize', `it has ${size} bytes, and the disk has ${expected} at the source`);
    const { dev, ino } = await stat(path);
    return { file: `${dev}:${ino}`, format };
  } catch (error) {
    if (error instanceof UnsafePath || error instanceof TargetUnusable)
      return problem('NotUsable', error.message);
    if (errorCode(error) !== '') return problem('NotUsable', `it cannot be used (${errorCode(error)})`);
    throw error;
  }
}
