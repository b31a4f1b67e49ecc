import { type RulesScript, drawRules } from '../faults/rules/script.js';
import { Chance } from '../faults/script/draw.js';

const MiB = 1024 * 1024;
/** Faults fall into the first seconds: in these most of a migration is done. */
const WINDOW_MS = 6000;

/** SOAP methods that a warm migration calls. */
const TASKS = ['CreateSnapshot_Task', 'RemoveSnapshot_Task', 'PowerOffVM_Task'] as const;
const CALLS = [
  ...TASKS,
  'QueryChangedDiskAreas',
  'RetrievePropertiesEx',
  'ShutdownGuest',
  'QueryEvents',
] as const;

export type FaultScript = { readonly atMs: number } & (
  | { readonly kind: 'task-fails'; readonly method: string; readonly fault: string }
  | { readonly kind: 'call-fails'; readonly method: string; readonly fault: string }
  | { readonly kind: 'call-is-cut'; readonly method: string; readonly after: boolean }
  | { readonly kind: 'call-is-slow'; readonly method: string; readonly ms: number }
  | { readonly kind: 'outage'; readonly ms: number }
  | { readonly kind: 'session-ends' }
  | { readonly kind: 'tracking-is-reset' }
  | { readonly kind: 'foreign-snapshot' }
  /** Somebody makes a snapshot, goes back to it at once, and powers the VM on again. */
  | { readonly kind: 'revert' }
  | { readonly kind: 'events-are-forgotten' }
  | { readonly kind: 'storage-is-away'; readonly ms: number }
  | { readonly kind: 'disk-grows' }
  | { readonly kind: 'other-host' }
  | { readonly kind: 'other-datastore' }
  | { readonly kind: 'reading-is-cut'; readonly afterBytes: number }
  | { readonly kind: 'nbdkit-is-killed' }
  | { readonly kind: 'worker-is-killed' }
  | { readonly kind: 'planner-is-killed' }
);

/** One VM's warm migration, and what happens to it. */
export interface RunScript {
  readonly seed: number;
  readonly run: number;
  readonly name: string;
  readonly disks: readonly { readonly capacityBytes: number; readonly fill: number }[];
  readonly writesPerSecond: number;
  readonly shutdown: 'heeded' | 'ignored' | 'no-tools';
  readonly tracking: 'on' | 'turned-on';
  readonly converts: boolean;
  readonly verify: 'none' | 'written' | 'full';
  /** The cutover is asked for once so many rounds are over; or it is canceled then. */
  readonly rounds: number;
  readonly end: 'cutover' | 'cancel';
  readonly faults: readonly FaultScript[];
  readonly rules: RulesScript;
}

/** A world lives so many runs. */
export const RUNS_A_WORLD = 24;

/** What the VMs of a run are in; the same for all runs of a world. */
export function drawWorld(seed: number, run: number): 'vcenter' | 'esxi' {
  return new Chance(seed, -1 - Math.floor(run / RUNS_A_WORLD)).is(0.3) ? 'esxi' : 'vcenter';
}

/** Draws a run. The same seed and number always give the same one. */
export function drawRun(seed: number, run: number): RunScript {
  const chance = new Chance(seed, run);
  return {
    seed,
    run,
    // Not as vCenter numbers its objects: a plan names VMs by id or by name.
    name: `run-${run}`,
    disks: Array.from({ length: chance.from(1, 3) }, () => ({
      capacityBytes: chance.from(2, 16) * MiB,
      fill: chance.from(0, 8) / 10,
    })),
    writesPerSecond: chance.from(10, 150),
    shutdown: chance.among({ heeded: 6, ignored: 1, 'no-tools': 1 }),
    tracking: chance.is(0.8) ? 'on' : 'turned-on',
    converts: chance.is(0.5),
    verify: chance.pick(['none', 'written', 'full']),
    rounds: chance.from(1, 4),
    end: chance.is(0.1) ? 'cancel' : 'cutover',
    faults: Array.from({ length: chance.from(1, 5) }, () => drawFault(chance)),
    rules: drawRules(chance, { run, warm: true, vms: 1, windowMs: WINDOW_MS }),
  };
}

function drawFault(chance: Chance): FaultScript {
  const atMs = chance.from(0, WINDOW_MS);
  const kind = chance.among<FaultScript['kind']>({
    'task-fails': 4,
    'call-fails': 3,
    'call-is-cut': 4,
    'call-is-slow': 1,
    outage: 2,
    'session-ends': 2,
    'tracking-is-reset': 2,
    'foreign-snapshot': 1,
    revert: 1,
    'events-are-forgotten': 1,
    'storage-is-away': 1,
    'disk-grows': 1,
    'other-host': 1,
    'other-datastore': 1,
    'reading-is-cut': 2,
    'nbdkit-is-killed': 3,
    'worker-is-killed': 2,
    'planner-is-killed': 1,
  });
  const fault = (): string => chance.pick(['TaskInProgress', 'InvalidState', 'HostCommunication']);
  switch (kind) {
    case 'task-fails':
      return { atMs, kind, method: chance.pick(TASKS), fault: fault() };
    case 'call-fails':
      return { atMs, kind, method: chance.pick(CALLS), fault: fault() };
    case 'call-is-cut':
      return { atMs, kind, method: chance.pick(CALLS), after: chance.is(0.5) };
    case 'call-is-slow':
      return { atMs, kind, method: chance.pick(CALLS), ms: chance.from(100, 2000) };
    case 'outage':
    case 'storage-is-away':
      return { atMs, kind, ms: chance.from(200, 1500) };
    case 'reading-is-cut':
      return { atMs, kind, afterBytes: chance.from(0, 4) * MiB };
    default:
      return { atMs, kind };
  }
}
