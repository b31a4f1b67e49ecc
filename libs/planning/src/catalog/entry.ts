import type { DomainEvent } from '@ledgerlift/contracts';
import { isDeepStrictEqual } from 'node:util';
import { type CatalogKind, InUse, KindIsFixed, NameTaken, NotInCatalog } from './errors.js';

/**
 * A provider, mapping or plan, folded from its stream. Deleted entries are remembered, so that an id is never reused.
 */
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

/** Folds an event that creates an entry, or gives it another spec. */
export const withSpec = <S>(state: EntryState<S>, id: string, spec: S, time: string): EntryState<S> =>
  state === undefined
    ? { id, spec, revision: 0, createdAt: time, updatedAt: time, deleted: false, archived: false }
    : changed(state, { spec }, time);

export const changed = <S>(
  state: EntryState<S>,
  change: Partial<Pick<Entry<S>, 'spec' | 'deleted' | 'archived'>>,
  time: string,
): EntryState<S> => state && { ...state, ...change, revision: state.revision + 1, updatedAt: time };

/** Facts about other entries that a decision needs. The command carries them. */
export interface Surroundings {
  /** Id of the entry of the same kind that owns the requested name. */
  readonly nameOwner: string | undefined;
  /** What refers to the entry, such as `plan first-wave`. */
  readonly usedBy: readonly string[];
  /** The subset that refers to it by name. */
  readonly usedByName: readonly string[];
}

/** A command about an entry that is only created, changed and deleted: a provider or a mapping. */
export type EntryCommand<S> =
  | ({ readonly kind: 'create'; readonly id: string; readonly spec: S } & Pick<Surroundings, 'nameOwner'>)
  | ({ readonly kind: 'update'; readonly id: string; readonly spec: S } & Surroundings)
  | ({ readonly kind: 'delete'; readonly id: string } & Pick<Surroundings, 'usedBy'>);

/** The events of one kind of entry. */
export interface EntryEvents<S> {
  created(id: string, spec: S): DomainEvent;
  updated(id: string, spec: S): DomainEvent;
  deleted(id: string): DomainEvent;
}

/**
 * @param fixed the field that says which kind of provider or mapping it is
 * @returns no events if nothing changes
 * @throws NotInCatalog, NameTaken, InUse, KindIsFixed
 */
export function decideEntry<F extends 'type' | 'kind', S extends Readonly<Record<'name' | F, string>>>(
  kind: 'provider' | 'mapping',
  fixed: F,
  command: EntryCommand<S>,
  state: EntryState<S>,
  events: EntryEvents<S>,
): readonly DomainEvent[] {
  const { id } = command;
  if (command.kind === 'create') {
    requireFreeName(kind, id, command.spec.name, command);
    return [events.created(id, command.spec)];
  }
  const { spec } = existing(kind, id, state);
  if (command.kind === 'delete') {
    requireUnused(kind, spec.name, command);
    return [events.deleted(id)];
  }
  if (command.spec[fixed] !== spec[fixed])
    throw new KindIsFixed(kind, fixed, spec[fixed], command.spec[fixed]);
  requireFreeName(kind, id, command.spec.name, command);
  requireNameUnused(kind, spec.name, command.spec.name, command);
  return isSame(spec, command.spec) ? [] : [events.updated(id, command.spec)];
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

/** @throws InUse if the entry's name changes while another entry refers to it by name */
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
