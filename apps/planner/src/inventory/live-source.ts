import type { Inventory, ProviderSpec } from '@ledgerlift/contracts';
import { reasonOf } from './reason-of.js';
import type { SourceAccess } from './source-access.js';

/** A watch that ended for what an operator must mend is not begun again before this, however often it is asked for. */
const AGAIN_MS = 30_000;

/** What a source tells of itself as it changes, from now until `end`. */
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
    /** Told each time the source has been read, or could not be. */
    private readonly tell: { readonly seen: () => void; readonly lost: () => void },
  ) {
    void this.#watch(spec, sources);
  }

  /** With the present as its time; undefined where the source tells nothing, or not now. */
  get now(): Inventory | undefined {
    if (this.#inventory === undefined || this.#broken !== undefined) return undefined;
    return { ...this.#inventory, takenAt: new Date().toISOString() };
  }

  /** Undefined for a source that never tells of changes. */
  get state(): 'live' | { readonly broken: string } | undefined {
    if (this.#broken !== undefined) return { broken: this.#broken };
    return this.#watches ? 'live' : undefined;
  }

  /** Whether another one is to be begun. */
  get hasEnded(): boolean {
    return this.#endedAt !== undefined && performance.now() > this.#endedAt + AGAIN_MS;
  }

  end(): void {
    this.#ending.abort(new Error('nobody watches any more'));
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
