import type { Inventory, InventoryProblem, ProviderSpec, SourceVm } from '@ledgerlift/contracts';
import { type InventoryWatcher, loadedProvider, type SourceProvider } from '@ledgerlift/providers';
import { isTarget } from '@ledgerlift/targets';
import { reasonOf } from '../in-words.js';
import { NotASource } from './errors.js';

/** The planner's port to source providers. `@ledgerlift/providers` implements it for every kind of provider. */
export interface SourceAccess {
  /** Checks that the source can be reached and read. @returns the problems, or none */
  check(spec: ProviderSpec): Promise<readonly InventoryProblem[]>;
  /** Parts that cannot be read are listed in `problems`. @throws if nothing can be read at all */
  inventory(spec: ProviderSpec): Promise<Inventory>;
  /** Watches a source that reports changes; resolves at once for others. @throws errors that an operator must fix */
  watch?(spec: ProviderSpec, watcher: InventoryWatcher, signal: AbortSignal): Promise<void>;
  /** Reads the files of a VM and compares them with their manifest. @returns the differences, or none */
  verifyDigests(spec: ProviderSpec, vm: SourceVm): Promise<readonly InventoryProblem[]>;
}

/** Reaches sources through their providers, in this process. @throws NotASource for a target; ExtensionNotLoaded */
export const providerSourceAccess: SourceAccess = {
  check: async (spec) => provider(spec).check(spec),
  inventory: async (spec) => provider(spec).inventory(spec),
  watch: async (spec, watcher, signal) => provider(spec).watch?.(spec, watcher, signal),
  verifyDigests: async (spec, vm) => provider(spec).verifyDigests(spec, vm),
};

function provider(spec: ProviderSpec): SourceProvider {
  const found = isTarget(spec) ? undefined : loadedProvider(spec.type);
  if (found === undefined) throw new NotASource(spec.name, spec.type);
  return found;
}

/** The minimum pause before restarting a watch that ended with an error that an operator must fix. */
const AGAIN_MS = 30_000;

/** A watched source: its inventory as it changes, from construction until `end`. */
export class LiveSource {
  readonly #ending = new AbortController();
  #inventory: Inventory | undefined;
  #broken: string | undefined;
  #endedAt: number | undefined;
  #watches = false;

  constructor(
    readonly revision: number,
    spec: ProviderSpec,
    sources: SourceAccess,
    /** Called each time the source was read, or could not be. */
    private readonly tell: { readonly seen: () => void; readonly lost: () => void },
  ) {
    void this.#watch(spec, sources);
  }

  /** The inventory as of now; undefined if the source does not report changes, or currently cannot. */
  get now(): Inventory | undefined {
    if (this.#inventory === undefined || this.#broken !== undefined) return undefined;
    return { ...this.#inventory, takenAt: new Date().toISOString() };
  }

  /** Undefined for a source that never reports changes. */
  get state(): 'live' | { readonly broken: string } | undefined {
    if (this.#broken !== undefined) return { broken: this.#broken };
    return this.#watches ? 'live' : undefined;
  }

  /** Whether the watch has ended and another should be started. */
  get hasEnded(): boolean {
    return this.#endedAt !== undefined && performance.now() > this.#endedAt + AGAIN_MS;
  }

  end(): void {
    this.#ending.abort(new Error('the watch was ended'));
  }

  async #watch(spec: ProviderSpec, sources: SourceAccess): Promise<void> {
    try {
      const watcher = {
        changed: (inventory: Inventory) => {
          this.#watches = true;
          this.#broken = undefined;
          this.#inventory = inventory;
          this.tell.seen();
        },
        broken: (error: unknown) => {
          this.#broken = reasonOf(error);
          this.tell.lost();
        },
      };
      await sources.watch?.(spec, watcher, this.#ending.signal);
    } catch (error) {
      this.#broken = reasonOf(error);
      this.#endedAt = performance.now();
      this.tell.lost();
    }
  }
}
