import { setTimeout as delay } from 'node:timers/promises';
import { type InventoryProblem, LedgerliftError, type SourceVm } from '@ledgerlift/contracts';
import type { InventoryWatcher } from '../../port.js';
import type { VsphereSession } from '../session.js';
import type { ObjectRef, VimNode } from '../soap/xml.js';
import { SURROUNDING_PATHS, WATCHED_VM_PATHS } from './paths.js';
import { createView, filterOn, inventoryOf, readSurroundings, readVms, tagged } from './read.js';
import { readTags, type Tags } from './tags.js';
import type { Judge } from './source-vm.js';
import type { Surroundings } from './surroundings.js';

/** How long the server may delay its answer if nothing changes. */
const WAIT_SECONDS = 30;
const MOST_UPDATES = 500;
/** Changes within this time are reported together. */
const GATHER_MS = 200;
/** How old tags may be. */
const TAGS_MS = 120_000;
const BREAK_MS = 1000;
const LONGEST_BREAK_MS = 60_000;

/**
 * Keeps an inventory up to date. Watches a few properties of each VM and reads the whole VM again when one changes. After a
 * break, reads everything again, because missed changes are unknown.
 *
 * @throws errors that an operator must fix; others are retried until the signal aborts
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

/** Runs from one full read to the next break. */
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
    // Use our own collector, because other users of the session wait on theirs.
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

  /** @returns undefined if nothing changed for a while */
  async #next(collector: ObjectRef, version: string): Promise<VimNode | undefined> {
    const options = { maxWaitSeconds: WAIT_SECONDS, maxObjectUpdates: MOST_UPDATES };
    const silence = { signal: this.signal, silenceMs: (WAIT_SECONDS + 30) * 1000 };
    const answer = await this.session.call('WaitForUpdatesEx', collector, { version, options }, silence);
    return answer.at('returnval');
  }

  /**
   * Handles a change and all further pending ones.
   * @returns the version of the last answer, the only one that the collector still accepts
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
    // A changed name affects paths, hosts and networks of all VMs.
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

  /** vCenter does not report changes of tags, so this reads them with everything else and then periodically. */
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

/** Free space is not watched because it changes all the time; it is read with the rest. */
const NAMES = ['name', 'parent'] as const;
const HOST = [...NAMES, 'runtime.connectionState', 'runtime.inMaintenanceMode'] as const;
