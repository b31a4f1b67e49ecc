import { alwaysPresent } from '../../presence.js';
import type { DomainEvent, ItineraryStep, Job, StepError } from '@ledgerlift/contracts';
import {
  connectionReset,
  failedWith,
  noRoot,
  otherHost,
  record,
  report,
  stoppedAsTold,
  warmItinerary,
  itinerary as coldItinerary,
} from '../fixtures.js';
import { retryRefusal } from '../../vm/after-end.js';
import { AttemptSuperseded, CommandRefused, type VmCommand } from '../../vm/commands.js';
import { decideVm } from '../../vm/decide.js';
import { evolveVm } from '../../vm/evolve.js';
import { jobOf, stopWanted } from '../../vm/job.js';
import { type Windows, powerOffFor } from '../../vm/power-off.js';
import {
  awaitedRemovalOf,
  cleanupOf,
  isAbandoned,
  isTerminal,
  openAttempt,
  pauseOf,
  type AttemptState,
  type VmLive,
  type VmState,
} from '../../vm/state.js';
import { wakeAt } from '../../vm/waits.js';
import { Chance } from '@ledgerlift/testing';
import { LawBroken, checkCutover, checkEvent, checkPowerOff, checkTarget, checkWorld } from './laws.js';
import { somewhere } from './datacenter.js';
import { type Happening, everyHour, faults, usual } from './happenings.js';
import { SimulatedWorker } from './worker.js';
import { World } from './world.js';

/** What a VM may do only with a slot. */
export interface Gate {
  readonly mayRun: (state: VmLive) => boolean;
  readonly mayRemove: (state: VmLive) => boolean;
}
const alone: Gate = { mayRun: () => true, mayRemove: () => true };

/** One VM with its world and its workers under a virtual clock: a whole history from one seed. */
export class Simulation {
  readonly chance: Chance;
  readonly world: World;
  readonly events: DomainEvent[] = [];
  state: VmLive;
  #now = Date.parse('2026-11-23T12:00:00Z');
  #worker:
    | {
        readonly of: AttemptState;
        readonly worker: SimulatedWorker;
        readonly name: string;
        /** When it claimed the attempt. */
        readonly at: Date;
      }
    | undefined;
  readonly #earlier: AttemptState[] = [];
  #workers = 0;
  readonly #isRegretted: boolean;
  readonly #wildness: number;
  readonly #weights: typeof usual;
  readonly #windows: Windows;

  /** @param index of the VM among those that share the gate */
  constructor(
    seed: number,
    index = 0,
    private readonly gate = alone,
  ) {
    this.chance = new Chance(seed);
    this.world = new World(this.chance);
    const { chance } = this;
    const isWarm = !chance.once(4);
    this.#isRegretted = chance.once(4);
    // Calm histories come far, wild ones come back often.
    this.#wildness = chance.pick([0.2, 0.6, 1, 4]);
    this.#weights = usual.map(([weight, what]) => [
      faults.has(what) ? weight * this.#wildness : weight,
      what,
    ]);
    const settings = {
      ...record.settings,
      type: isWarm ? ('warm' as const) : ('cold' as const),
      warm: {
        ...record.settings.warm,
        enableChangeTracking: seed % 4 === 3,
        precopyIntervalMs: 60_000,
        ...(chance.once(3) ? { maxPrecopies: 1 } : {}),
        cutover: chance.once(5)
          ? { by: 'window' as const, windows: [...everyHour] }
          : chance.once(4)
            ? { by: 'downtime' as const, maxDowntimeMs: 400_000, windows: [] }
            : { by: 'command' as const },
      },
      approve: { start: false, cutover: chance.once(4) },
      retry: { ...record.settings.retry, maxRetries: chance.below(4), maxLost: 3 },
    };
    const steps = isWarm ? warmItinerary : coldOf();
    this.#windows = chance.once(2) ? [everyHour] : [];
    const itinerary = chance.once(2) ? [...steps, postHook] : steps;
    const source = { ...record.source, vm: somewhere(record.source.vm, chance) };
    const powerState = chance.once(6) ? ('off' as const) : ('auto' as const);
    const drawn = { ...record, index, settings, source, powerState };
    const [planned] = decideVm({ kind: 'plan', record: drawn, itinerary }, undefined);
    if (planned === undefined) throw new Error('nothing was planned');
    this.events.push(planned);
    const state = evolveVm(undefined, planned, this.#time);
    if (state === undefined) throw new Error('the VM is not there');
    this.state = state;
  }

  /** One thing happens. @throws LawBroken */
  step(): void {
    // A VM that succeeded moves only by a rollback.
    this.happen(this.state.phase === 'succeeded' ? 'rollback' : this.chance.weighted(this.#weights));
    checkWorld(this.state, this.world);
  }

  /** From here on all goes well and failures are retried, so the VM must soon end well. @throws LawBroken */
  settle(): void {
    for (let steps = 0; steps < 2000; steps += 1) if (this.settled()) return;
    throw new LawBroken(`stuck: ${this.where}`);
  }

  /** One iteration in which all goes well. @returns whether nothing is left to do. @throws LawBroken */
  settled(): boolean {
    const { phase } = this.state;
    const isRetryable = phase === 'failed' && retryRefusal(this.state) === undefined;
    if (isTerminal(this.state) && !isRetryable) return true;
    if (phase === 'held' || isRetryable) this.#say({ kind: 'retry', reason: 'looked at' });
    else if (pauseOf(this.state) !== undefined) this.#say({ kind: 'resume', reason: 'go on' });
    const good: readonly Happening[] = [
      'admit',
      'take-removal-slot',
      'claim',
      'stroke',
      'cutover',
      'approve',
      'time',
    ];
    // Not all at once, so that others see a VM in the middle of a step.
    for (const happening of good) if (!this.chance.once(3)) this.happen(happening);
    checkWorld(this.state, this.world);
    return false;
  }

  get where(): string {
    const { phase, itinerary, at } = this.state;
    return `${phase} at ${itinerary[at]?.step ?? 'the end'}${awaitedRemovalOf(this.state) === undefined ? '' : ', without a removal slot'}`;
  }

  /** Nothing more can happen that matters. */
  get isOver(): boolean {
    const { phase } = this.state;
    if (phase === 'succeeded') return !this.#isRegretted;
    return phase === 'canceled' || phase === 'rolled-back' || isAbandoned(this.state);
  }

  get #isHandedOver(): boolean {
    const { itinerary, at } = this.state;
    return cleanupOf(this.state)?.outcome === 'succeeded' || itinerary[at]?.step === 'PostHook';
  }

  get #time(): string {
    return new Date(this.#now).toISOString();
  }

  /** @throws LawBroken */
  happen(happening: Happening): void {
    const { chance, world } = this;
    const at = new Date(this.#now);
    const random = chance.next();
    switch (happening) {
      case 'admit':
        if (this.gate.mayRun(this.state)) this.#say({ kind: 'admit', at });
        return;
      case 'take-removal-slot':
        if (this.gate.mayRemove(this.state)) this.#say({ kind: 'take-removal-slot' });
        return;
      case 'claim':
        return this.#claim();
      case 'stroke':
        return this.#stroke();
      case 'time':
        this.#now = Math.max(
          // At times the planner is away for longer than a window is open.
          this.#now + (chance.once(10) ? 1_500_000 : chance.below(30_000)),
          chance.once(2) ? (wakeAt(this.state, alwaysPresent) ?? 0) : 0,
        );
        return this.#say({ kind: 'wake', at: new Date(this.#now), random, presence: alwaysPresent });
      case 'guest':
        return world.guestWrites();
      case 'fail':
        return this.#fail(
          chance.weighted<StepError>([
            [6, connectionReset],
            [1, noRoot],
            [1, otherHost],
          ]),
        );
      case 'lose':
        return this.#lose();
      case 'late':
        return this.#late();
      case 'intruder':
        // Somebody else starts the source. After the hand-over that is no longer our responsibility.
        if (!world.targetRuns && !this.#isHandedOver) world.powerOn();
        return;
      case 'host-failure':
        // The snapshots are lost; disks and written data are not.
        world.snapshots.clear();
        return;
      case 'pause':
      case 'resume':
      case 'test-boot':
      case 'cancel':
      case 'retry':
      case 'abandon':
      case 'clean-up':
        return this.#say({ kind: happening, reason: 'the operator says so' });
      case 'cutover':
        // An operator's `now` overrides the windows, so no VM would ever wait for one.
        if (this.state.record.settings.warm.cutover.by === 'window' && !chance.once(20)) return;
        return this.#say({ kind: 'cutover', reason: '', by: 'ada', dueAt: at, at });
      case 'approve':
        return this.#say({ kind: 'approve-cutover', reason: '', by: this.chance.pick(['ada', 'grace']), at });
      case 'withdraw':
        return this.#say({ kind: 'withdraw-cutover', reason: '', at });
      case 'delete-target':
        return this.#say({ kind: 'delete-target', reason: '', targetName: this.state.record.targetName });
      case 'rollback':
        return this.#say({ kind: 'rollback', reason: '', at });
    }
  }

  /** A refusal changes nothing. */
  #say(command: VmCommand): void {
    let decided: readonly DomainEvent[];
    try {
      decided = decideVm(command, this.state, this.#windows);
    } catch (error) {
      if (error instanceof CommandRefused || error instanceof AttemptSuperseded) return;
      throw error;
    }
    for (const event of decided) {
      checkEvent(this.state, event);
      checkTarget(event, this.world);
      const by = 'by' in command ? command.by : undefined;
      checkCutover(this.state, event, { by, events: this.events });
      const next: VmState = evolveVm(this.state, event, this.#time);
      if (next === undefined) throw new Error('an event made the VM vanish');
      this.state = next;
      this.events.push(event);
    }
    const open = openAttempt(this.state);
    if (this.#worker !== undefined && open !== this.#worker.of && !isSame(open, this.#worker.of)) {
      this.#earlier.push(this.#worker.of);
      this.#worker = undefined;
    }
  }

  #claim(): void {
    const open = openAttempt(this.state);
    if (open?.status !== 'requested') return;
    this.#workers += 1;
    // A worker that was given up may come back for another attempt of the same step.
    const name = this.chance.once(2) ? 'w0' : `w${this.#workers}`;
    this.#say({
      kind: 'claim',
      step: open.step,
      attempt: open.attempt,
      worker: name,
      at: new Date(this.#time),
    });
    const claimed = openAttempt(this.state);
    if (claimed?.worker !== name) return;
    const at = new Date(this.#now);
    const job = jobOf(this.state, claimed, undefined, powerOffFor(this.state, at, this.#windows));
    this.#worker = { of: claimed, worker: new SimulatedWorker(job, this.world), name, at };
  }

  #stroke(): void {
    const { state } = this;
    const work = this.#worker;
    const open = openAttempt(state);
    if (work === undefined || open === undefined) return;
    if (stopWanted(state) !== undefined && this.chance.once(2))
      return this.#report(work.name, open, { outcome: stoppedAsTold });
    const power = this.world.power;
    const { checkpoint, outcome } = work.worker.stroke();
    if (power === 'on' && this.world.power === 'off') checkPowerOff(state, work.at, this.#windows);
    const isEnd = outcome?.kind === 'completed';
    const released = isEnd
      ? [...work.worker.job.release, ...this.#oldSnapshots(open)].map((resource) => {
          work.worker.release(resource.name, resource.kind);
          return { resource, how: 'removed' as const };
        })
      : [];
    // A lost worker may have done work that never reached the log.
    const isLost = open.step === 'FinalPowerActions' ? 0.2 : 0.06;
    if (outcome === undefined ? this.chance.once(2) : this.chance.next() < isLost * this.#wildness) {
      if (outcome !== undefined) this.#lose();
      return;
    }
    this.#report(work.name, open, {
      released,
      ...(checkpoint === undefined ? {} : { checkpoints: [checkpoint] }),
      ...(outcome === undefined ? {} : { outcome }),
    });
  }

  /** `SnapshotRemoval` removes all of the VM's snapshots. */
  #oldSnapshots({ step }: AttemptState): Job['ledger'] {
    return step === 'SnapshotRemoval'
      ? Object.values(this.state.ledger).filter(({ kind }) => kind === 'snapshot')
      : [];
  }

  #report(
    worker: string,
    { step, attempt, lastReport }: AttemptState,
    content: Parameters<typeof report>[3],
  ): void {
    const said = {
      ...report(step, attempt, lastReport + 1, content),
      ref: { stream: 'vm', step, attempt, worker },
    };
    const command: VmCommand = {
      kind: 'report',
      report: said,
      at: new Date(this.#now),
      random: this.chance.next(),
    };
    this.#say(command);
    // The bus may deliver it twice.
    if (this.chance.once(10)) this.#say(command);
  }

  #fail(error: StepError): void {
    const open = openAttempt(this.state);
    if (this.#worker === undefined || open === undefined) return;
    // Its worker was lost before the start.
    const isBefore = open.step === 'FinalPowerActions' && !this.world.targetIsLetGo && this.chance.once(2);
    this.#report(this.#worker.name, open, {
      outcome: failedWith(isBefore ? { ...error, effect: 'none' } : error),
    });
  }

  #lose(): void {
    const open = openAttempt(this.state);
    if (open?.status !== 'started') return;
    this.#say({ kind: 'lose', step: open.step, attempt: open.attempt, at: new Date(this.#now) });
  }

  /** A worker that was given up long ago reports completion: nothing may move. */
  #late(): void {
    if (this.#earlier.length === 0) return;
    const { step, attempt, worker } = this.chance.pick(this.#earlier);
    const before = this.state;
    const ref = { stream: 'vm', step, attempt, worker: worker ?? 'w0' };
    const said = { ...report(step, attempt, 99, { outcome: failedWith(noRoot) }), ref };
    this.#say({ kind: 'report', report: said, at: new Date(this.#now), random: 0 });
    if (this.state !== before)
      throw new LawBroken(`a late report of attempt ${attempt} of ${step} moved the VM`);
  }
}

const isSame = (a: AttemptState | undefined, b: AttemptState): boolean =>
  a?.step === b.step && a.attempt === b.attempt;

const postHook: ItineraryStep = {
  step: 'PostHook',
  phase: 'cutover',
  service: 'transfer',
  site: 'local',
  part: 'main',
  claims: [],
};

/** The cold fixture, with the source powered off and the target started. */
function coldOf(): typeof warmItinerary {
  const off = warmItinerary.find(({ step }) => step === 'SourcePowerOff');
  const final = warmItinerary.find(({ step }) => step === 'FinalPowerActions');
  const commit = warmItinerary.find(({ step }) => step === 'ImageCommit');
  if (off === undefined || final === undefined || commit === undefined)
    throw new Error('the fixtures have changed');
  const [begin, ...rest] = coldItinerary;
  if (begin === undefined) throw new Error('the fixtures have changed');
  const withCommit = rest.flatMap((step) => (step.step === 'ImageConversion' ? [step, commit] : [step]));
  return [begin, { ...off, part: 'main' }, ...withCommit, final];
}
