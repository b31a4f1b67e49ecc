import type { Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import type { InventoryProblem } from '@ledgerlift/contracts';
import { BadOva, problemOf } from './errors.js';
import { isOfMacOs } from './references.js';

const MOST_PACKAGES = 10_000;
const DEEPEST_FOLDER = 2;

/** Packages of a provider, and problems with files that look like packages but cannot be read. */
export interface Packages {
  readonly paths: readonly string[];
  readonly problems: readonly InventoryProblem[];
}

type ListFolder = (folder: string) => Promise<readonly Dirent[]>;
const listFolder: ListFolder = (folder) => readdir(folder, { withFileTypes: true });

const isPackage = (name: string): boolean =>
  ['.ova', '.ovf'].includes(extname(name).toLowerCase()) && !isOfMacOs(name);

/**
 * Finds every .ova and .ovf at a path: a file, or a folder and its subfolders, even ones named *.ova. Follows links to files, because
 * anyone who can write links there can also write packages, but not links to folders, which may form loops. An unreadable entry
 * becomes a problem and does not hide the others.
 *
 * @param list lists the entries of a folder
 * @throws BadOva if nothing can be read
 */
export async function packagesAt(path: string, list: ListFolder = listFolder): Promise<Packages> {
  const found = await stat(path).catch((error: unknown) => {
    throw new BadOva('unreadable', `${path} cannot be read: ${reasonOf(error)}`, 'settings.path');
  });
  if (found.isFile()) return { paths: [path], problems: [] };
  if (!found.isDirectory())
    throw new BadOva('unreadable', `${path} is neither a file nor a folder of OVAs`, 'settings.path');
  const paths: string[] = [];
  const links: string[] = [];
  const problems: InventoryProblem[] = [];
  const entriesOf = async (folder: string, depth: number): Promise<readonly Dirent[]> => {
    try {
      return (await list(folder)).toSorted((a, b) => (a.name < b.name ? -1 : 1));
    } catch (error) {
      const problem = closed(folder, error, depth === 0 ? 'settings.path' : undefined);
      if (depth === 0) throw problem;
      problems.push(problemOf(folder, problem));
      return [];
    }
  };
  const look = async (folder: string, depth: number): Promise<void> => {
    for (const entry of await entriesOf(folder, depth)) {
      const inner = join(folder, entry.name);
      if (entry.isDirectory()) {
        const before = paths.length + links.length + problems.length;
        if (depth < DEEPEST_FOLDER) await look(inner, depth + 1);
        const isEmpty = paths.length + links.length + problems.length === before;
        if (isPackage(entry.name) && isEmpty) problems.push(problemOf(inner, notUnpacked(inner)));
      } else if (entry.isSymbolicLink()) {
        if (isPackage(entry.name)) links.push(inner);
      } else if (isPackage(entry.name)) {
        if (entry.isFile()) paths.push(inner);
        else problems.push(problemOf(inner, new BadOva('unreadable', `${inner} is no file`)));
      }
      if (paths.length + links.length > MOST_PACKAGES)
        throw new BadOva(
          'unsupported',
          `${path} holds more than ${MOST_PACKAGES} OVAs; name a smaller folder`,
          'settings.path',
        );
    }
  };
  await look(path, 0);
  if (isPackage(path) && paths.length + links.length + problems.length === 0)
    throw notUnpacked(path, 'settings.path');
  const followed = await follow(links, paths);
  return { paths: [...paths, ...followed.paths].sort(), problems: [...problems, ...followed.problems] };
}

/** Does not read a package twice that is also present under its own name, because that would duplicate its VMs. */
async function follow(links: readonly string[], paths: readonly string[]): Promise<Packages> {
  if (links.length === 0) return { paths: [], problems: [] };
  const known = new Map<string, string>();
  for (const path of paths) known.set(await realpath(path).catch(() => path), path);
  const followed: string[] = [];
  const problems: InventoryProblem[] = [];
  for (const link of links) {
    try {
      const target = await realpath(link);
      const twin = known.get(target);
      if (!(await stat(target)).isFile())
        throw new BadOva(
          'unreadable',
          `${link} is a link to ${target}, which is no file; put the package there`,
        );
      if (twin !== undefined) {
        const error = new BadOva('linkedTwice', `${link} is a link to ${twin}, which is read already`);
        problems.push({ ...problemOf(link, error), category: 'Warn' });
        continue;
      }
      known.set(target, link);
      followed.push(link);
    } catch (error) {
      problems.push(problemOf(link, error));
    }
  }
  return { paths: followed, problems };
}

const closed = (folder: string, error: unknown, field: string | undefined): BadOva =>
  new BadOva(
    'unreadable',
    `the folder ${folder} cannot be read: ${reasonOf(error)}; give the planner and transfer access to it`,
    field,
  );

const notUnpacked = (folder: string, field?: string): BadOva =>
  new BadOva(
    'noDescriptor',
    `${folder} is a folder, and no .ovf or .ova was found in it; put an unpacked OVA there, or the .ova in its place`,
    field,
  );

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
