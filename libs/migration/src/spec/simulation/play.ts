import type { DomainEvent } from '@ledgerlift/contracts';
import { evolveVm } from '../../vm/evolve.js';
import { pipelineOf } from '../../vm/pipeline.js';
import { attemptsOf, type VmState } from '../../vm/state.js';
import { Fleet } from './fleet.js';
import { LawBroken } from './laws.js';
import { Simulation } from './simulation.js';

export interface Histories {
  readonly steps: number;
  readonly ends: Readonly<Record<string, number>>;
  readonly types: ReadonlySet<DomainEvent['type']>;
}

/** Longer histories show nothing new. */
const LONGEST = 600;
const FLEET_LONGEST = 200;

/**
 * Plays histories one after another, each from its own seed, for `steps` steps in total.
 *
 * @throws Error with the seed and the last events of the history that broke a law
 */
export function play(steps: number, seed: number): Histories {
  const ends: Record<string, number> = {};
  const types = new Set<DomainEvent['type']>();
  let played = 0;
  for (let history = seed; played < steps; history += 1) {
    if (history % 8 === 0) {
      played += playFleet(history, types);
      continue;
    }
    const simulation = new Simulation(history);
    try {
      for (let step = 0; step < LONGEST && !simulation.isOver; step += 1, played += 1) simulation.step();
      simulation.settle();
      checkReplay(simulation);
      checkFolding(simulation);
    } catch (error) {
      const told = simulation.events
        .slice(-25)
        .map(({ type, data }) => `${type} ${JSON.stringify(data).slice(0, 160)}`);
      throw new Error(`seed ${history}: ${String(error)}\n${told.join('\n')}`, { cause: error });
    }
    for (const { type } of simulation.events) types.add(type);
    ends[simulation.state.phase] = (ends[simulation.state.phase] ?? 0) + 1;
  }
  return { steps: played, ends, types };
}

/** @returns the number of steps. @throws Error with the seed and the last events of the schedule */
function playFleet(seed: number, types: Set<DomainEvent['type']>): number {
  const fleet = new Fleet(seed);
  let step = 0;
  try {
    for (; step < FLEET_LONGEST; step += 1) fleet.step();
    fleet.settle();
  } catch (error) {
    const told = fleet.said
      .slice(-25)
      .map(({ type, data }) => `${type} ${JSON.stringify(data).slice(0, 160)}`);
    throw new Error(`seed ${seed}: ${String(error)}\n${told.join('\n')}`, { cause: error });
  }
  for (const { type } of [...fleet.events, ...fleet.said]) types.add(type);
  return step;
}

/** The state must follow from the events alone. */
function checkReplay({ events, state }: Simulation): void {
  const again = events.reduce<VmState>((folded, event) => evolveVm(folded, event), undefined);
  const told = { phase: state.phase, at: state.at, ledger: state.ledger, checkpoints: state.checkpoints };
  const replayed = again && {
    phase: again.phase,
    at: again.at,
    ledger: again.ledger,
    checkpoints: again.checkpoints,
  };
  if (JSON.stringify(replayed) !== JSON.stringify(told))
    throw new LawBroken('a replay of the events leads to another state');
}

/** Attempts that the state drops must still be counted, each in its pipeline line. */
function checkFolding({ events, state }: Simulation): void {
  const steps = new Map<string, number>();
  const lines = new Map<string, number>();
  const count = (counts: Map<string, number>, key: string): void =>
    void counts.set(key, (counts.get(key) ?? 0) + 1);
  let at: VmState;
  for (const event of events) {
    if (event.type === 'StepRequested') {
      count(steps, event.data.step);
      count(lines, `${at?.at ?? 0} ${event.data.step}`);
    }
    at = evolveVm(at, event);
  }
  for (const { step } of state.itinerary)
    if (attemptsOf(state, step) !== (steps.get(step) ?? 0))
      throw new LawBroken(`the state has lost count of the attempts of ${step}`);
  const shown = pipelineOf(state).filter(({ phase }) => phase !== 'clean-up');
  const expected = state.itinerary.flatMap(({ step, part }, index) =>
    part === 'test' && state.testBoot === undefined ? [] : [lines.get(`${index} ${step}`) ?? 0],
  );
  if (shown.map(({ attempts }) => attempts).join() !== expected.join())
    throw new LawBroken(`the pipeline has lost count: ${JSON.stringify(expected)}`);
}
