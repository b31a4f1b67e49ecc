import type { KubeVirtSettings } from '@ledgerlift/contracts';
import type { TargetAt } from '../../plan.js';
import { readCredentials } from '../access.js';
import { KubernetesConnection } from '../connection.js';
import { ClusterInventory } from './cluster-inventory.js';
import type { WatchTimes } from './resource-watch.js';

/** A cluster that is watched. */
export interface OpenInventory {
  readonly connection: KubernetesConnection;
  readonly inventory: ClusterInventory;
}

export interface OpenInventoriesOptions {
  /** After so long without being asked for, one is closed; by default ten minutes. */
  readonly idleMs?: number;
  readonly times?: WatchTimes;
}

const IDLE_MS = 600_000;

/**
 * Keeps clusters watched between two looks at them, so that only the first look lists everything. Another secret, or other settings, are
 * another cluster.
 */
export class OpenInventories {
  readonly #open = new Map<string, OpenInventory & { readonly idle: NodeJS.Timeout }>();
  readonly #idleMs: number;
  readonly #times: WatchTimes | undefined;

  constructor({ idleMs = IDLE_MS, times }: OpenInventoriesOptions = {}) {
    this.#idleMs = idleMs;
    this.#times = times;
  }

  /** That of a target, which is opened where it is not open. Its credentials are read when it first asks the cluster. */
  of({ settings, secret }: TargetAt<KubeVirtSettings>): OpenInventory {
    const key = JSON.stringify([settings, secret?.name]);
    const found = this.#open.get(key);
    if (found !== undefined) {
      found.idle.refresh();
      return found;
    }
    const connection = new KubernetesConnection(() => readCredentials(settings.access, secret?.name));
    const inventory = new ClusterInventory(connection, settings.namespaces, this.#times);
    // A process that has nothing else to do need not wait for it.
    const idle = setTimeout(() => void this.#close(key), this.#idleMs).unref();
    const opened = { connection, inventory, idle };
    this.#open.set(key, opened);
    return opened;
  }

  /** How many are open. */
  get size(): number {
    return this.#open.size;
  }

  /** Closes all of them; they are opened again when they are asked for. */
  async close(): Promise<void> {
    await Promise.all([...this.#open.keys()].map((key) => this.#close(key)));
  }

  async #close(key: string): Promise<void> {
    const opened = this.#open.get(key);
    if (opened === undefined) return;
    this.#open.delete(key);
    clearTimeout(opened.idle);
    await opened.inventory[Symbol.asyncDispose]();
    await opened.connection.close();
  }
}
