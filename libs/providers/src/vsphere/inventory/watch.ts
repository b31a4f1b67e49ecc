import { setTimeout as delay } from 'node:timers/promises';
import { type InventoryProblem, LedgerliftError, type SourceVm } from '@ledgerlift/contracts';
import type { InventoryWatcher } from '../../port.js';
import type { VsphereSession } from '../session.js';
import type { ObjectRef, VimNode } from '../soap/node.js';
import { SURROUNDING_PATHS, WATCHED_VM_PATHS } from './paths.js';
import { createView, filterOn, inventoryOf, readSurroundings, readVms, tagged } from './read.js';
import { readTags, type Tags } from './tags.js';
import type { Judge } from './source-vm.js';
import type { Surroundings } from './surroundings.js';

/** How long the server may hold an answer back when nothing changes. */
const WAIT_SECONDS = 30;
const MOST_UPDATES = 500;
/** Changes that come within so long are told together. */
const GATHER_MS = 200;
/** How old tags may be. */
const TAGS_MS = 120_000;
const BREAK_MS = 1000;
const LONGEST_BREAK_MS = 60_000;

/**
 * Keeps an inventory as the server's changes come. What of a VM tells a change is watched, and the VM is then read again
 * as a whole; after any break all is read anew, for what was missed is not known.
 *
 * @throws what an operator must mend; the rest is tried again until the signal ends it
 */
export async function watchInventory(
  session: VsphereSession,
  judge: Judge,
  watcher: InventoryWatcher,
  signal: AbortSignal,
): Promise<void> {
  for (let pause = BREAK_MS; !signal.aborted;) {
    try {
      await new Watch(session, judge, watcher, signal).run(() => (pause = BREAK_MS));
    } catch (error) {
      if (signal.aborted) return;
      watcher.broken(error);
      if (error instanceof LedgerliftError && error.failure === 'needs-operator') throw error;
      await delay(pause, undefined, { signal }).catch(() => undefined);
      pause = Math.min(pause * 2, LONGEST_BREAK_MS);
    }
  }
}

/** From one reading of everything to the next break. */
class Watch {
  readonly #vms = new Map<string, SourceVm>();
  readonly #problems = new Map<string, InventoryProblem>();
  #around: Surroundings | undefined;
  #tags: Tags | undefined;
  #tagsDue = 0;

  constructor(
    private readonly session: VsphereSession,
    private readonly judge: Judge,
    private readonly watcher: InventoryWatcher,
    private readonly signal: AbortSignal,
  ) {}

  async run(wasRead: () => void): Promise<never> {
    const { session, signal } = this;
    // A collector of our own: whoever else uses the session waits with another one.
    const made = await session.call(
      'CreatePropertyCollector',
      ({ propertyCollector }) => propertyCollector,
      {},
      { signal },
    );
    const collector = made.refAt('returnval') ?? { type: 'PropertyCollector', id: '' };
    try {
      await this.#watchFrom(collector);
      let version = '';
      for (let isFirst = true; ; isFirst = false) {
        const update = await this.#next(collector, version);
        if (performance.now() > this.#tagsDue && this.#around !== undefined) await this.#readTags();
        if (update === undefined) continue;
        version = await this.#take(collector, update);
        if (isFirst) await this.#readTags();
        if (isFirst) wasRead();
        await delay(GATHER_MS, undefined, { signal });
      }
    } finally {
      const ending = AbortSignal.timeout(5000);
      await session
        .call('DestroyPropertyCollector', collector, {}, { signal: ending })
        .catch(() => undefined);
    }
  }

  async #watchFrom(collector: ObjectRef): Promise<void> {
    const types = ['VirtualMachine', ...Object.keys(SURROUNDING_PATHS)];
    const view = await createView(this.session, types, this.signal);
    const propSet = types.map((type) => ({
      type,
      all: false,
      pathSet: type === 'VirtualMachine' ? WATCHED_VM_PATHS : type === 'HostSystem' ? HOST : NAMES,
    }));
    const args = { spec: filterOn(view, propSet), partialUpdates: false };
    await this.session.call('CreateFilter', collector, args, { signal: this.signal });
  }

  /** @returns undefined where nothing changed for a while */
  async #next(collector: ObjectRef, version: string): Promise<VimNode | undefined> {
    const options = { maxWaitSeconds: WAIT_SECONDS, maxObjectUpdates: MOST_UPDATES };
    const silence = { signal: this.signal, silenceMs: (WAIT_SECONDS + 30) * 1000 };
    const answer = await this.session.call('WaitForUpdatesEx', collector, { version, options }, silence);
    return answer.at('returnval');
  }

  /**
   * Takes a change in, and all that the server has to say beside it.
   * @returns the version of the last answer: a collector knows no other one any more
   */
  async #take(collector: ObjectRef, first: VimNode): Promise<string> {
    let version = '';
    const touched = new Map<string, 'there' | 'gone'>();
    let isAround = this.#around === undefined;
    for (let update: VimNode | undefined = first; update !== undefined;) {
      version = update.textAt('version') ?? '';
      for (const object of update.list('filterSet').flatMap((filter) => filter.list('objectSet'))) {
        const ref = object.refAt('obj');
        if (ref === undefined) continue;
        if (ref.type === 'VirtualMachine')
          touched.set(ref.id, object.textAt('kind') === 'leave' ? 'gone' : 'there');
        else isAround = true;
      }
      if (update.flagAt('truncated') !== true) break;
      update = await this.#next(collector, version);
    }
    await this.#read(touched, isAround);
    return version;
  }

  async #read(touched: ReadonlyMap<string, 'there' | 'gone'>, isAround: boolean): Promise<void> {
    const { session, judge, signal } = this;
    const around =
      isAround || this.#around === undefined ? await readSurroundings(session, signal) : this.#around;
    // Paths, hosts and networks of VMs are named after what changed.
    const again = isAround ? new Set([...this.#vms.keys(), ...touched.keys()]) : new Set(touched.keys());
    this.#around = around;
    for (const id of again) {
      this.#vms.delete(id);
      this.#problems.delete(id);
    }
    const refs = [...again]
      .filter((id) => touched.get(id) !== 'gone')
      .map((id) => ({ type: 'VirtualMachine', id }));
    const { vms, problems } = await readVms(session, refs, around, judge, signal);
    for (const vm of vms) this.#vms.set(vm.id, vm);
    for (const problem of problems) this.#problems.set(problem.item, problem);
    this.#tell();
  }

  /** Of tags vCenter tells no changes: they are asked for with everything, and then now and again. */
  async #readTags(): Promise<void> {
    const { tags, problem } = await readTags(this.session, [...this.#vms.keys()], this.signal);
    this.#tags = tags;
    if (problem === undefined) this.#problems.delete('tags');
    else this.#problems.set(problem.item, problem);
    this.#tagsDue = performance.now() + TAGS_MS;
    this.#tell();
  }

  #tell(): void {
    if (this.#around === undefined) return;
    const vms = tagged([...this.#vms.values()], this.#tags);
    this.watcher.changed(inventoryOf(this.#around, vms, [...this.#problems.values()]));
  }
}

/** Free room moves all the time, and is read with the rest. */
const NAMES = ['name', 'parent'] as const;
const HOST = [...NAMES, 'runtime.connectionState', 'runtime.inMaintenanceMode'] as const;
