import { isDeepStrictEqual } from 'node:util';
import { type CatalogKind, InUse, NameTaken, NotInCatalog } from './errors.js';

/** Something that a user wrote, as its stream tells it. A deleted one is remembered, so that its id never means another. */
export interface Entry<S> {
  readonly id: string;
  readonly spec: S;
  readonly revision: number;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly deleted: boolean;
  readonly archived: boolean;
}
export type EntryState<S> = Entry<S> | undefined;

export const created = <S>(id: string, spec: S, time: string): Entry<S> => ({
  id,
  spec,
  revision: 0,
  createdAt: time,
  updatedAt: time,
  deleted: false,
  archived: false,
});

export const changed = <S>(
  state: EntryState<S>,
  change: Partial<Pick<Entry<S>, 'spec' | 'deleted' | 'archived'>>,
  time: string,
): EntryState<S> => state && { ...state, ...change, revision: state.revision + 1, updatedAt: time };

/** What the rest of the catalog says, which a decision on one entry needs: it comes in with the command. */
export interface Surroundings {
  /** Id of the entry of the same kind that has the wanted name. */
  readonly nameOwner: string | undefined;
  /** Who refers to the entry, such as `plan first-wave`. */
  readonly usedBy: readonly string[];
  /** Those of them who do so by its name. */
  readonly usedByName: readonly string[];
}

/** @throws NotInCatalog */
export function existing<S>(kind: CatalogKind, ref: string, state: EntryState<S>): Entry<S> {
  if (state === undefined || state.deleted) throw new NotInCatalog(kind, ref);
  return state;
}

/** @throws NameTaken */
export function requireFreeName(
  kind: CatalogKind,
  id: string,
  name: string,
  { nameOwner }: Pick<Surroundings, 'nameOwner'>,
): void {
  if (nameOwner !== undefined && nameOwner !== id) throw new NameTaken(kind, name, nameOwner);
}

/** @throws InUse where the entry's name changes and somebody uses it */
export function requireNameUnused(
  kind: CatalogKind,
  from: string,
  to: string,
  { usedByName }: Pick<Surroundings, 'usedByName'>,
): void {
  if (from !== to && usedByName.length > 0) throw new InUse(kind, from, usedByName, 'renamed');
}

/** @throws InUse */
export function requireUnused(
  kind: CatalogKind,
  name: string,
  { usedBy }: Pick<Surroundings, 'usedBy'>,
): void {
  if (usedBy.length > 0) throw new InUse(kind, name, usedBy, 'deleted');
}

export const isSame = (one: unknown, other: unknown): boolean => isDeepStrictEqual(one, other);
