import type { MappingSpec, PlanSpec, ProviderSpec } from '@ledgerlift/contracts';
import type { EventLog, StoredEvent } from '@ledgerlift/event-log';
import { DecidedStreams } from '../log/decided-streams.js';
import type { EventWriter } from '../log/event-writer.js';
import type { Entry, EntryState } from './entry.js';
import { type CatalogKind, NotInCatalog } from './errors.js';
import { evolveMapping } from './mapping.js';
import { evolvePlan } from './plan.js';
import { evolveProvider } from './provider.js';

const category =
  (prefix: CatalogKind) =>
  (stream: string): boolean =>
    stream.startsWith(`${prefix}-`);

/**
 * What the log says of providers, mappings and plans. Every event of the log is given to `apply`, in order; one that
 * was appended by a command here is known before `apply` sees it, so what was written can be read at once.
 */
export class CatalogProjection {
  readonly providerStreams: DecidedStreams<EntryState<ProviderSpec>>;
  readonly mappingStreams: DecidedStreams<EntryState<MappingSpec>>;
  readonly planStreams: DecidedStreams<EntryState<PlanSpec>>;

  constructor(log: EventLog, writer: EventWriter) {
    this.providerStreams = new DecidedStreams<EntryState<ProviderSpec>>(
      log,
      writer,
      category('provider'),
      () => undefined,
      evolveProvider,
    );
    this.mappingStreams = new DecidedStreams<EntryState<MappingSpec>>(
      log,
      writer,
      category('mapping'),
      () => undefined,
      evolveMapping,
    );
    this.planStreams = new DecidedStreams<EntryState<PlanSpec>>(
      log,
      writer,
      category('plan'),
      () => undefined,
      evolvePlan,
    );
  }

  apply(event: StoredEvent): void {
    this.providerStreams.restore(event);
    this.mappingStreams.restore(event);
    this.planStreams.restore(event);
  }

  providers(): readonly Entry<ProviderSpec>[] {
    return present(this.providerStreams);
  }
  mappings(): readonly Entry<MappingSpec>[] {
    return present(this.mappingStreams);
  }
  plans(): readonly Entry<PlanSpec>[] {
    return present(this.planStreams);
  }

  /** By id or name; the id counts first. */
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

  /** The entry that an event once created, even if it was deleted since. @throws NotInCatalog */
  createdProvider(id: string): Entry<ProviderSpec> {
    return this.providerStreams.state(`provider-${id}`) ?? missing('provider', id);
  }
  /** @throws NotInCatalog */
  createdMapping(id: string): Entry<MappingSpec> {
    return this.mappingStreams.state(`mapping-${id}`) ?? missing('mapping', id);
  }
  /** @throws NotInCatalog */
  createdPlan(id: string): Entry<PlanSpec> {
    return this.planStreams.state(`plan-${id}`) ?? missing('plan', id);
  }

  /** Who refers by one of these refs to a provider: mappings, and plans that are not archived. */
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

  /** Plans that refer by one of these refs to a mapping, and are not archived. */
  plansWithMapping(refs: readonly string[]): readonly Entry<PlanSpec>[] {
    return this.plans().filter(
      ({ archived, spec }) =>
        !archived && (refs.includes(spec.networkMapping) || refs.includes(spec.storageMapping ?? '')),
    );
  }
}

function present<S>(streams: DecidedStreams<EntryState<S>>): readonly Entry<S>[] {
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
