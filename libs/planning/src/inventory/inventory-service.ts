import type { Inventory, ProviderSpec, SourceVm, InventoryProblem } from '@ledgerlift/contracts';
import { isTarget } from '@ledgerlift/targets';
import type { Entry } from '../catalog/index.js';
import { reasonOf } from '../in-words.js';
import { InventoryUnavailable, NotASource } from './errors.js';
import { LiveSource, type SourceAccess } from './live-source.js';

interface Known {
  /** Revision of the provider: other settings mean another inventory. */
  readonly revision: number;
  readonly inventory: Inventory;
}

type Provider = Pick<Entry<ProviderSpec>, 'id' | 'revision' | 'spec'>;

/**
 * The inventories of sources: kept live if a source reports changes, else read on demand and cached until a refresh.
 * Concurrent callers share one reading. Digests of a VM's files are verified once, until its fingerprint changes.
 */
export class InventoryService {
  readonly #known = new Map<string, Known>();
  readonly #reading = new Map<string, Promise<Inventory>>();
  readonly #live = new Map<string, LiveSource>();
  /** Ids of providers whose last reading failed. */
  readonly #lost = new Set<string>();
  #returned: (id: string) => void = () => undefined;
  readonly #digests = new Map<string, Promise<readonly InventoryProblem[]>>();

  constructor(private readonly sources: SourceAccess) {}

  /** Stops watching all sources. */
  close(): void {
    for (const live of this.#live.values()) live.end();
    this.#live.clear();
  }

  /** @param returned called with the id of each provider that can be read again */
  onReturn(returned: (id: string) => void): void {
    this.#returned = returned;
  }

  /** Watches a source that reports changes, so that its return is noticed even if nobody queries its inventory. */
  follow(provider: Provider): void {
    this.#watched(provider);
  }

  /** `live` while the source reports changes; `broken` says why it does not; undefined if it never does. */
  liveness({ id, revision }: Provider): 'live' | { readonly broken: string } | undefined {
    const live = this.#live.get(id);
    return live?.revision === revision ? live.state : undefined;
  }

  /** Stops watching a deleted provider. */
  forget(id: string): void {
    this.#live.get(id)?.end();
    this.#live.delete(id);
    this.#known.delete(id);
    this.#lost.delete(id);
  }

  /** The present state of the source: live, or read now. @throws NotASource, InventoryUnavailable */
  current(provider: Provider): Promise<Inventory> {
    const live = this.#watched(provider).now;
    return live === undefined ? this.refresh(provider) : Promise.resolve(live);
  }

  /** The last reading with the provider's present settings, if any. */
  known({ id, revision }: Provider): Inventory | undefined {
    const live = this.#live.get(id);
    if (live?.revision === revision && live.now !== undefined) return live.now;
    const known = this.#known.get(id);
    return known?.revision === revision ? known.inventory : undefined;
  }

  /** The last reading, or a new one if there is none. @throws NotASource, InventoryUnavailable */
  inventory(provider: Provider): Promise<Inventory> {
    this.#watched(provider);
    const known = this.known(provider);
    return known === undefined ? this.refresh(provider) : Promise.resolve(known);
  }

  /** Reads the source again. A failure keeps the last reading. @throws NotASource, InventoryUnavailable */
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

  /** Why the source cannot be reached now; none if it can be read. Never throws. */
  async problemsOf({ spec }: Provider): Promise<readonly InventoryProblem[]> {
    try {
      return await this.sources.check(spec);
    } catch (error) {
      return [problem(spec.name, error)];
    }
  }

  /** Differences between the VM's files and their manifest. Never throws. */
  digestProblems({ id, spec }: Provider, vm: SourceVm): Promise<readonly InventoryProblem[]> {
    const key = `${id}/${vm.id}/${vm.fingerprint}`;
    const known = this.#digests.get(key);
    if (known !== undefined) return known;
    const verified = this.#verify(spec, vm, key);
    this.#digests.set(key, verified);
    return verified;
  }

  /** One watch for each provider with its present settings, started by the first caller. */
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
      // The problem may be temporary: the next caller tries again.
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

/** Error code of Node (`ENOENT`) or ours (`LL-…`). */
function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
