import type { DomainEvent, MappingSpec, PlanSpec, ProviderSpec } from '@ledgerlift/contracts';
import type { EventLog, StoredEvent } from '@ledgerlift/event-log';
import { assertTaken } from '@ledgerlift/extensions';
import {
  type CatalogEntries,
  type CatalogKind,
  type CatalogProjection,
  decideMapping,
  decidePlan,
  decideProvider,
  type Entry,
  type EntryState,
  evolveMapping,
  evolvePlan,
  evolveProvider,
  existing,
  type MappingCommand,
  type PlanCommand,
  type ProviderCommand,
} from '@ledgerlift/planning';
import { v7 as uuidv7 } from 'uuid';
import { DecidedStreams, KeyedMutex } from '../log/decided-streams.js';
import type { CommandContext, EventWriter } from '../log/event-writer.js';

/**
 * The streams of providers, mappings and plans. Call `apply` with every event of the log, in order. Events that a command
 * appends are folded before `apply` gets them, so that a caller can read its own change at once.
 */
export class CatalogStreams implements CatalogEntries {
  readonly providers: DecidedStreams<EntryState<ProviderSpec>>;
  readonly mappings: DecidedStreams<EntryState<MappingSpec>>;
  readonly plans: DecidedStreams<EntryState<PlanSpec>>;

  constructor(log: EventLog, writer: EventWriter) {
    const none = (): undefined => undefined;
    this.providers = new DecidedStreams(log, writer, startsWith('provider-'), none, evolveProvider);
    this.mappings = new DecidedStreams(log, writer, startsWith('mapping-'), none, evolveMapping);
    this.plans = new DecidedStreams(log, writer, startsWith('plan-'), none, evolvePlan);
  }

  apply(event: StoredEvent): void {
    this.providers.restore(event);
    this.mappings.restore(event);
    this.plans.restore(event);
  }
}

const startsWith =
  (prefix: string) =>
  (stream: string): boolean =>
    stream.startsWith(prefix);

/**
 * Changes the catalog, one command at a time: what a decision assumes about other entries (a free name, no references) must
 * still be true when its event is appended. Only one planner leads, so one queue is enough.
 */
export class CatalogCommands {
  readonly #queues = new KeyedMutex();

  constructor(
    private readonly catalog: CatalogProjection,
    private readonly streams: CatalogStreams,
  ) {}

  /** @throws NameTaken, ExtensionNotLoaded, ExtensionSettingsNotValid */
  createProvider(spec: ProviderSpec, context: CommandContext): Promise<Entry<ProviderSpec>> {
    return this.#inTurn(() => {
      assertTaken(spec);
      const nameOwner = this.catalog.findProvider(spec.name)?.id;
      return this.#provider(uuidv7(), { kind: 'create', spec, nameOwner }, context);
    });
  }

  /** @throws NotInCatalog, NameTaken, InUse, KindIsFixed, ExtensionNotLoaded, ExtensionSettingsNotValid */
  updateProvider(ref: string, spec: ProviderSpec, context: CommandContext): Promise<Entry<ProviderSpec>> {
    return this.#inTurn(() => {
      const { id, spec: was } = this.catalog.provider(ref);
      assertTaken(spec);
      const nameOwner = this.catalog.findProvider(spec.name)?.id;
      const usedByName = this.catalog.usersOfProvider([was.name]);
      const usedBy = this.catalog.usersOfProvider([id, was.name]);
      return this.#provider(id, { kind: 'update', spec, nameOwner, usedBy, usedByName }, context);
    });
  }

  /** @throws NotInCatalog, InUse */
  async deleteProvider(ref: string, context: CommandContext): Promise<void> {
    await this.#inTurn(() => {
      const { id, spec } = this.catalog.provider(ref);
      const usedBy = this.catalog.usersOfProvider([id, spec.name]);
      return this.#provider(id, { kind: 'delete', usedBy }, context);
    });
  }

  /** @throws NameTaken */
  createMapping(spec: MappingSpec, context: CommandContext): Promise<Entry<MappingSpec>> {
    return this.#inTurn(() => {
      const nameOwner = this.catalog.findMapping(spec.name)?.id;
      return this.#mapping(uuidv7(), { kind: 'create', spec, nameOwner }, context);
    });
  }

  /** @throws NotInCatalog, NameTaken, InUse, KindIsFixed */
  updateMapping(ref: string, spec: MappingSpec, context: CommandContext): Promise<Entry<MappingSpec>> {
    return this.#inTurn(() => {
      const { id, spec: was } = this.catalog.mapping(ref);
      const nameOwner = this.catalog.findMapping(spec.name)?.id;
      const usedByName = this.#plansWithMapping([was.name]);
      const usedBy = this.#plansWithMapping([id, was.name]);
      return this.#mapping(id, { kind: 'update', spec, nameOwner, usedBy, usedByName }, context);
    });
  }

  /** @throws NotInCatalog, InUse */
  async deleteMapping(ref: string, context: CommandContext): Promise<void> {
    await this.#inTurn(() => {
      const { id, spec } = this.catalog.mapping(ref);
      return this.#mapping(id, { kind: 'delete', usedBy: this.#plansWithMapping([id, spec.name]) }, context);
    });
  }

  /** @throws NameTaken */
  createPlan(spec: PlanSpec, context: CommandContext): Promise<Entry<PlanSpec>> {
    return this.#inTurn(() => {
      const nameOwner = this.catalog.findPlan(spec.name)?.id;
      return this.#plan(uuidv7(), { kind: 'create', spec, nameOwner }, context);
    });
  }

  /** @throws NotInCatalog, NameTaken, PlanIsArchived */
  updatePlan(ref: string, spec: PlanSpec, context: CommandContext): Promise<Entry<PlanSpec>> {
    return this.changePlan(ref, () => spec, context);
  }

  /**
   * @param change gets the current spec; no other change of the catalog runs meanwhile
   * @throws NotInCatalog, NameTaken, PlanIsArchived, and what `change` throws
   */
  changePlan(
    ref: string,
    change: (spec: PlanSpec) => PlanSpec,
    context: CommandContext,
  ): Promise<Entry<PlanSpec>> {
    return this.#inTurn(() => {
      const { id, spec: before } = this.catalog.plan(ref);
      const spec = change(before);
      const nameOwner = this.catalog.findPlan(spec.name)?.id;
      return this.#plan(id, { kind: 'update', spec, nameOwner }, context);
    });
  }

  /**
   * @param running id of the plan's running migration; the caller must keep one from starting meanwhile
   * @throws NotInCatalog, PlanRunning
   */
  endPlan(
    id: string,
    how: 'archive' | 'delete',
    running: string | undefined,
    context: CommandContext,
  ): Promise<Entry<PlanSpec>> {
    return this.#inTurn(() => this.#plan(id, { kind: how, running }, context));
  }

  #plansWithMapping(refs: readonly string[]): readonly string[] {
    return this.catalog.plansWithMapping(refs).map(({ spec }) => `plan ${spec.name}`);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    return this.#queues.run('catalog', work);
  }

  #provider(
    id: string,
    command: WithoutId<ProviderCommand>,
    context: CommandContext,
  ): Promise<Entry<ProviderSpec>> {
    const decide: Decide<ProviderSpec> = (now) => decideProvider({ ...command, id }, now);
    return this.#execute('provider', this.streams.providers, id, decide, context);
  }

  #mapping(
    id: string,
    command: WithoutId<MappingCommand>,
    context: CommandContext,
  ): Promise<Entry<MappingSpec>> {
    const decide: Decide<MappingSpec> = (now) => decideMapping({ ...command, id }, now);
    return this.#execute('mapping', this.streams.mappings, id, decide, context);
  }

  #plan(id: string, command: WithoutId<PlanCommand>, context: CommandContext): Promise<Entry<PlanSpec>> {
    const decide: Decide<PlanSpec> = (now) => decidePlan({ ...command, id }, now);
    return this.#execute('plan', this.streams.plans, id, decide, context);
  }

  async #execute<S>(
    kind: CatalogKind,
    streams: DecidedStreams<EntryState<S>>,
    id: string,
    decide: Decide<S>,
    context: CommandContext,
  ): Promise<Entry<S>> {
    const { state } = await streams.execute(`${kind}-${id}`, decide, context);
    return state ?? existing(kind, id, state);
  }
}

type Decide<S> = (state: EntryState<S>) => readonly DomainEvent[];
type WithoutId<T> = T extends unknown ? Omit<T, 'id'> : never;
