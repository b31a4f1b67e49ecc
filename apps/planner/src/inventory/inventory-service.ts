import type { Inventory, ProviderSpec, SourceVm, InventoryProblem } from '@ledgerlift/contracts';
import { isTarget } from '@ledgerlift/targets';
import type { OnModuleDestroy } from '@nestjs/common';
import type { Entry } from '../catalog/index.js';
import { InventoryUnavailable, NotASource } from './errors.js';
import { LiveSource } from './live-source.js';
import { codeOf, reasonOf } from './reason-of.js';
import type { SourceAccess } from './source-access.js';

interface Known {
  /** Of the provider: other settings, other inventory. */
  readonly revision: number;
  readonly inventory: Inventory;
}

type Provider = Pick<Entry<ProviderSpec>, 'id' | 'revision' | 'spec'>;

/**
 * What sources hold: kept live where a source tells of its changes, else read on demand and kept until a refresh. Several who ask at once share one reading; digests of a
 * VM's files are compared once, until its fingerprint changes.
 */
export class InventoryService implements OnModuleDestroy {
  readonly #known = new Map<string, Known>();
  readonly #reading = new Map<string, Promise<Inventory>>();
  readonly #live = new Map<string, LiveSource>();
  /** Ids of providers that could not be read when that was last tried. */
  readonly #lost = new Set<string>();
  #returned: (id: string) => void = () => undefined;
  readonly #digests = new Map<string, Promise<readonly InventoryProblem[]>>();

  constructor(private readonly sources: SourceAccess) {}

  onModuleDestroy(): void {
    for (const live of this.#live.values()) live.end();
    this.#live.clear();
  }

  /** @param returned told the id of each provider that can be read again */
  onReturn(returned: (id: string) => void): void {
    this.#returned = returned;
  }

  /** Watches a source that tells of its changes, so that its return is noticed though nobody asks for its inventory. */
  follow(provider: Provider): void {
    this.#watched(provider);
  }

  /** Whether the source tells of its changes now; else what keeps it from that, where it does so at all. */
  liveness({ id, revision }: Provider): 'live' | { readonly broken: string } | undefined {
    const live = this.#live.get(id);
    return live?.revision === revision ? live.state : undefined;
  }

  /** Watches it no longer: the provider was deleted. */
  forget(id: string): void {
    this.#live.get(id)?.end();
    this.#live.delete(id);
    this.#known.delete(id);
    this.#lost.delete(id);
  }

  /** As the source is now: told by it, or read. @throws NotASource, InventoryUnavailable */
  current(provider: Provider): Promise<Inventory> {
    const live = this.#watched(provider).now;
    return live === undefined ? this.refresh(provider) : Promise.resolve(live);
  }

  /** What was read last of the provider as it is now. */
  known({ id, revision }: Provider): Inventory | undefined {
    const live = this.#live.get(id);
    if (live?.revision === revision && live.now !== undefined) return live.now;
    const known = this.#known.get(id);
    return known?.revision === revision ? known.inventory : undefined;
  }

  /** What was read last, or is read now. @throws NotASource, InventoryUnavailable */
  inventory(provider: Provider): Promise<Inventory> {
    this.#watched(provider);
    const known = this.known(provider);
    return known === undefined ? this.refresh(provider) : Promise.resolve(known);
  }

  /** @throws NotASource, InventoryUnavailable; what was known before is then still known */
  async refresh(provider: Provider): Promise<Inventory> {
    const { id, revision, spec } = provider;
    if (isTarget(spec)) throw new NotASource(spec.name, spec.type);
    const key = `${id}/${revision}`;
    const reading = this.#reading.get(key) ?? this.#read(provider);
    this.#reading.set(key, reading);
    try {
      return await reading;
    } finally {
      this.#reading.delete(key);
    }
  }

  /** What hinders to reach the source now; nothing where it can be read. Never throws. */
  async problemsOf({ spec }: Provider): Promise<readonly InventoryProblem[]> {
    try {
      return await this.sources.check(spec);
    } catch (error) {
      return [problem(spec.name, error)];
    }
  }

  /** What in the VM's files differs from their manifest. Never throws. */
  digestProblems({ id, spec }: Provider, vm: SourceVm): Promise<readonly InventoryProblem[]> {
    const key = `${id}/${vm.id}/${vm.fingerprint}`;
    const known = this.#digests.get(key);
    if (known !== undefined) return known;
    const verified = this.#verify(spec, vm, key);
    this.#digests.set(key, verified);
    return verified;
  }

  /** One watch for each provider as it is now; begun by whoever asks first. */
  #watched({ id, revision, spec }: Provider): LiveSource {
    const known = this.#live.get(id);
    if (known?.revision === revision && !known.hasEnded) return known;
    known?.end();
    const live = new LiveSource(revision, spec, this.sources, {
      seen: () => this.#seen(id),
      lost: () => this.#lost.add(id),
    });
    this.#live.set(id, live);
    return live;
  }

  async #verify(spec: ProviderSpec, vm: SourceVm, key: string): Promise<readonly InventoryProblem[]> {
    try {
      return await this.sources.verifyDigests(spec, vm);
    } catch (error) {
      // It may have been a hindrance that passes: the next one who asks looks again.
      this.#digests.delete(key);
      return [problem(vm.name, error)];
    }
  }

  async #read({ id, revision, spec }: Provider): Promise<Inventory> {
    try {
      const inventory = await this.sources.inventory(spec);
      this.#known.set(id, { revision, inventory });
      this.#seen(id);
      return inventory;
    } catch (error) {
      this.#lost.add(id);
      throw new InventoryUnavailable(spec.name, error);
    }
  }

  #seen(id: string): void {
    if (this.#lost.delete(id)) this.#returned(id);
  }
}

function problem(item: string, error: unknown): InventoryProblem {
  return { item, code: codeOf(error) ?? 'LL-PLN-116', message: reasonOf(error) };
}
