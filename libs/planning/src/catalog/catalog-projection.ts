import type { MappingSpec, PlanSpec, ProviderSpec } from '@ledgerlift/contracts';
import type { Entry, EntryState } from './entry.js';
import { type CatalogKind, NotInCatalog } from './errors.js';

/** Entries of one kind, which the planner folds from the log with `evolveProvider`, `evolveMapping` or `evolvePlan`. */
export interface EntryStreams<S> {
  /** Names of all streams with an event. */
  streams(): readonly string[];
  state(stream: string): EntryState<S>;
}

/** All entries of the catalog. */
export interface CatalogEntries {
  readonly providers: EntryStreams<ProviderSpec>;
  readonly mappings: EntryStreams<MappingSpec>;
  readonly plans: EntryStreams<PlanSpec>;
}

/** Answers queries about the catalog: entries, and the references between them. */
export class CatalogProjection {
  constructor(private readonly entries: CatalogEntries) {}

  providers(): readonly Entry<ProviderSpec>[] {
    return present(this.entries.providers);
  }
  mappings(): readonly Entry<MappingSpec>[] {
    return present(this.entries.mappings);
  }
  plans(): readonly Entry<PlanSpec>[] {
    return present(this.entries.plans);
  }

  /** Finds a provider by id, else by name. */
  findProvider(ref: string): Entry<ProviderSpec> | undefined {
    return find(this.providers(), ref);
  }
  findMapping(ref: string): Entry<MappingSpec> | undefined {
    return find(this.mappings(), ref);
  }
  findPlan(ref: string): Entry<PlanSpec> | undefined {
    return find(this.plans(), ref);
  }

  /** @throws NotInCatalog */
  provider(ref: string): Entry<ProviderSpec> {
    return this.findProvider(ref) ?? missing('provider', ref);
  }
  /** @throws NotInCatalog */
  mapping(ref: string): Entry<MappingSpec> {
    return this.findMapping(ref) ?? missing('mapping', ref);
  }
  /** @throws NotInCatalog */
  plan(ref: string): Entry<PlanSpec> {
    return this.findPlan(ref) ?? missing('plan', ref);
  }

  /** The entry as once created, even if deleted since. @throws NotInCatalog */
  createdProvider(id: string): Entry<ProviderSpec> {
    return this.entries.providers.state(`provider-${id}`) ?? missing('provider', id);
  }
  /** @throws NotInCatalog */
  createdMapping(id: string): Entry<MappingSpec> {
    return this.entries.mappings.state(`mapping-${id}`) ?? missing('mapping', id);
  }
  /** @throws NotInCatalog */
  createdPlan(id: string): Entry<PlanSpec> {
    return this.entries.plans.state(`plan-${id}`) ?? missing('plan', id);
  }

  /** Mappings, and plans that are not archived, that refer to a provider by one of these refs. */
  usersOfProvider(refs: readonly string[]): readonly string[] {
    const uses = ({ source, target }: { readonly source: string; readonly target: string }): boolean =>
      refs.includes(source) || refs.includes(target);
    return [
      ...this.mappings()
        .filter(({ spec }) => uses(spec))
        .map(({ spec }) => `mapping ${spec.name}`),
      ...this.plans()
        .filter(({ archived, spec }) => !archived && uses(spec))
        .map(({ spec }) => `plan ${spec.name}`),
    ];
  }

  /** Plans that are not archived and refer to a mapping by one of these refs. */
  plansWithMapping(refs: readonly string[]): readonly Entry<PlanSpec>[] {
    return this.plans().filter(
      ({ archived, spec }) =>
        !archived && (refs.includes(spec.networkMapping) || refs.includes(spec.storageMapping ?? '')),
    );
  }
}

function present<S>(streams: EntryStreams<S>): readonly Entry<S>[] {
  return streams.streams().flatMap((stream) => {
    const state = streams.state(stream);
    return state === undefined || state.deleted ? [] : [state];
  });
}

function find<S extends { readonly name: string }>(
  entries: readonly Entry<S>[],
  ref: string,
): Entry<S> | undefined {
  return entries.find(({ id }) => id === ref) ?? entries.find(({ spec }) => spec.name === ref);
}

function missing(kind: CatalogKind, ref: string): never {
  throw new NotInCatalog(kind, ref);
}
