import { type DomainEvent, ScheduleLimits } from '@ledgerlift/contracts';
import { Chance } from '@ledgerlift/testing';
import type { ScheduleEntry } from '../../schedule/lanes.js';
import { disksByStorage, mayTakeRemovalSlot, removalChange } from '../../vm/removal-slot.js';
import { Schedule } from '../../schedule/schedule.js';
import { openAttempt, partOf, type VmLive } from '../../vm/state.js';
import { holdsSlot } from '../../vm/job.js';
import { hosts, storages } from './datacenter.js';
import { LawBroken, mergedDisks } from './laws.js';
import type { Happening } from './happenings.js';
import { Simulation } from './simulation.js';

const VMS = 6;
/** How long workers are lost during removals: VMs compete for removal slots only once they have come far. */
const LOSSES = 300;
/** Each history draws its own limits, because with scarce slots VMs hardly ever compete for a removal. */
const drawn = [
  { vms: 4, disksPerHost: 4, disksPerStorage: 3 },
  { vms: VMS, snapshotRemovalsPerStorage: 1 },
  { vms: VMS, disksPerStorage: 6, snapshotRemovalsPerStorage: 2 },
];

/** Several VMs of one source, each with its own random history, and the schedule that they share. */
export class Fleet {
  /** All events of the schedule. */
  readonly said: DomainEvent[] = [];
  readonly #chance: Chance;
  readonly #vms: readonly Simulation[];
  readonly #limits: ScheduleLimits;
  #schedule: Schedule;
  /** Numbers of VMs that gave up the slot that they may have held. */
  readonly #left = new Set<number>();
  /** Disks being merged, by VM number. */
  readonly #merging = new Map<number, ReturnType<typeof mergedDisks>>();

  constructor(seed: number) {
    this.#chance = new Chance(seed);
    this.#limits = ScheduleLimits.parse(this.#chance.pick(drawn));
    this.#schedule = new Schedule(this.#limits);
    this.#vms = Array.from(
      { length: VMS },
      (_, vm) =>
        new Simulation(seed * VMS + vm, vm, {
          mayRun: () => this.#schedule.running.has(`m1/${vm}`),
          mayRemove: (state) => mayTakeRemovalSlot(this.#schedule.removals, state),
        }),
    );
  }

  /**
   * Something happens to one VM; at times the schedule is updated, or replayed as after a restart.
   * @throws LawBroken
   */
  step(): void {
    const vm = this.#chance.pick(this.#vms);
    this.#watched(vm, () => vm.step());
    // A command to a whole plan reaches all of its VMs at once, as do rounds that began together.
    if (this.#chance.once(60)) this.#all('time');
    if (this.#chance.once(1500)) this.#all(this.#chance.pick(['cutover', 'cancel']));
    if (this.#chance.once(2)) this.#tell();
    if (this.#chance.once(40)) this.#readAnew();
  }

  /** From here on only workers are lost, and every VM must soon end well. @throws LawBroken */
  settle(): void {
    for (let round = 0; round < 2000 * VMS; round += 1) {
      const open = this.#vms.filter((vm) => !this.#watched(vm, () => vm.settled()));
      if (round < LOSSES && this.#chance.once(2)) this.#loseOne();
      this.#tell();
      if (open.length === 0) return this.#checkNothingIsLeft();
    }
    throw new LawBroken(`stuck: ${this.#vms.map(({ where }) => where).join('; ')}`);
  }

  /** The events of all VMs. */
  get events(): readonly DomainEvent[] {
    return this.#vms.flatMap(({ events }) => events);
  }

  /** Loses one of the workers that remove snapshots. */
  #loseOne(): void {
    const removing = this.#vms.filter(({ state }) => this.#merging.get(state.record.index)?.length);
    if (removing.length > 0) this.#watched(this.#chance.pick(removing), (vm) => vm.happen('lose'));
  }

  #all(happening: Happening): void {
    for (const vm of this.#vms) this.#watched(vm, () => vm.happen(happening));
  }

  #watched<T>(vm: Simulation, act: (vm: Simulation) => T): T {
    const had = holdsSlot(vm.state);
    const result = act(vm);
    if (had && !holdsSlot(vm.state)) this.#left.add(vm.state.record.index);
    this.#follow(vm.state);
    this.#check();
    return result;
  }

  /** A source continues a merge that began, even if no worker watches it. */
  #follow(state: VmLive): void {
    const open = openAttempt(state);
    const isLeft = state.phase === 'running' && state.attempts.at(-1)?.status === 'failed';
    if (open !== undefined) this.#merging.set(state.record.index, mergedDisks(state, open));
    else if (!isLeft) this.#merging.delete(state.record.index);
  }

  /** One iteration of the planner. */
  #tell(): void {
    for (const { state } of this.#vms) this.#apply(removalChange(this.#schedule.removals, state));
    for (const { state } of this.#vms) this.#apply(this.#placeChange(state));
    this.#left.clear();
    this.#apply(this.#schedule.admit(new Date('2026-11-23T12:00:00Z')));
  }

  #placeChange(state: VmLive): readonly DomainEvent[] {
    if (holdsSlot(state)) return [];
    const { migrationId, index } = state.record;
    if (state.phase !== 'planned' || this.#left.has(index))
      this.#apply(this.#schedule.release(migrationId, index));
    return state.phase === 'planned' ? this.#schedule.enqueue(entryOf(state)) : [];
  }

  #apply(events: readonly DomainEvent[]): void {
    for (const event of events) this.#schedule.apply(event);
    this.said.push(...events);
  }

  #readAnew(): void {
    this.#schedule = new Schedule(this.#limits);
    for (const event of this.said) this.#schedule.apply(event);
  }

  #check(): void {
    const limits = this.#limits;
    const running = this.#vms.map(({ state }) => state).filter(({ phase }) => phase === 'running');
    const merging = [...this.#merging.values()];
    for (const host of hosts) {
      const on = running.filter(({ record }) => record.source.vm.host === host);
      within(
        on.map(({ record }) => record.source.vm.disks.length),
        limits.disksPerHost,
        `disks of the host ${host}`,
      );
    }
    for (const storage of storages) {
      const on = (disks: readonly { readonly storage: string }[]): number =>
        disks.filter((disk) => disk.storage === storage).length;
      within(
        running.map(({ record }) => on(record.source.vm.disks)),
        limits.disksPerStorage,
        `disks of ${storage}`,
      );
      within(merging.map(on), limits.snapshotRemovalsPerStorage, `disks of ${storage} that are merged`);
    }
  }

  #checkNothingIsLeft(): void {
    const { running, waitingCount, removals } = this.#schedule;
    const left = running.size + waitingCount + removals.all().length;
    if (left > 0) throw new LawBroken(`${left} slots are left at the end`);
  }
}

/** A VM alone may exceed the limit. */
function within(amounts: readonly number[], limit: number | undefined, what: string): void {
  const some = amounts.filter((amount) => amount > 0);
  const sum = some.reduce((all, amount) => all + amount, 0);
  if (some.length > 1 && sum > (limit ?? Infinity)) throw new LawBroken(`${sum} ${what}, of ${limit ?? ''}`);
}

const entryOf = (state: VmLive): ScheduleEntry => ({
  migrationId: state.record.migrationId,
  vm: state.record.index,
  planId: state.record.planId,
  priority: 50,
  maxConcurrent: 100,
  purpose: partOf(state) === 'cutover' ? 'cutover' : partOf(state) === 'precopy' ? 'precopy' : 'begin',
  provider: state.record.source.provider.id,
  ...(state.record.source.vm.host === undefined ? {} : { host: state.record.source.vm.host }),
  target: state.record.target.providerId,
  demand: { cpus: 1, memoryBytes: 1, storageBytes: 1 },
  windows: [],
  storages: disksByStorage(state.record.source.vm.disks),
});
