import type { ApiVerb } from '@ledgerlift/testing';
import { Chance } from '../faults/script/draw.js';

const KiB = 1024;
const MiB = 1024 * KiB;

/** Steps of which each migration into a cluster has one; the first is its start. */
export const STEPS = ['Initialize', 'DiskAllocation', 'DiskTransfer', 'VirtualMachineCreation'] as const;

/** So long after a step has begun, however fast the machine is. */
export interface Moment {
  readonly step: (typeof STEPS)[number];
  readonly afterMs: number;
}

/** Which requests of ours to the API server are met, and for how long. */
interface Met {
  readonly verbs: readonly ApiVerb[];
  /** Of those requests, from 0 to 1. */
  readonly share: number;
  readonly ms: number;
}

export type FaultScript = { readonly at: Moment } & (
  | { readonly kind: 'api-server-is-killed'; readonly ms: number }
  | { readonly kind: 'watches-are-cut'; readonly times: number }
  | ({ readonly kind: 'watch-is-gone'; readonly as: 'status' | 'event' } & Met)
  /** The API server has not heard of what is refused. */
  | ({ readonly kind: 'requests-are-refused'; readonly status: 409 | 429 | 500 | 503 } & Met)
  /** It has done what was asked, and nobody hears of that. */
  | ({ readonly kind: 'answers-are-lost'; readonly as: 'status' | 'reset' } & Met)
  | ({ readonly kind: 'connections-are-reset' } & Met)
  | ({ readonly kind: 'requests-stall'; readonly stallMs: number } & Met)
  | {
      readonly kind: 'quota-is-used-up';
      readonly of: 'persistentvolumeclaims' | 'pods' | 'secrets';
      readonly ms: number;
    }
  | { readonly kind: 'volume-is-late'; readonly of: 'disk' | 'scratch'; readonly ms: number }
  | { readonly kind: 'pod-is-deleted' }
  | { readonly kind: 'pod-is-evicted' }
  | { readonly kind: 'process-is-killed' }
  | { readonly kind: 'node-is-lost'; readonly ms: number }
  | { readonly kind: 'service-is-killed'; readonly service: 'planner' | 'transfer' | 'vm-creator' }
);

/** One VM's migration into the cluster, and what happens to it. */
export interface RunScript {
  readonly seed: number;
  readonly run: number;
  readonly name: string;
  readonly disks: readonly { readonly bytes: number; readonly filled: number }[];
  readonly volumeMode: 'Block' | 'Filesystem';
  /** When a claim gets its volume. */
  readonly binding: 'Immediate' | 'WaitForFirstConsumer';
  readonly verify: 'none' | 'written' | 'full';
  /** Bytes a second: a copy takes long enough to be met. */
  readonly bandwidthLimit: number;
  /** When its cancel is asked for; undefined: it is to succeed. */
  readonly cancelAt: Moment | undefined;
  readonly faults: readonly FaultScript[];
}

/** A world lives so many runs: its log, and the objects of the cluster, grow. */
export const RUNS_A_WORLD = 50;

/** Draws a run. The same seed and number always give the same one. */
export function drawRun(seed: number, run: number): RunScript {
  const chance = new Chance(seed, run);
  return {
    seed,
    run,
    name: `run-${run}`,
    disks: Array.from({ length: chance.from(1, 3) }, () => ({
      bytes: chance.from(4 * 16, 32 * 16) * 64 * KiB,
      filled: chance.from(3, 9) / 10,
    })),
    volumeMode: chance.is(0.6) ? 'Block' : 'Filesystem',
    binding: chance.is(0.7) ? 'WaitForFirstConsumer' : 'Immediate',
    verify: chance.pick(['none', 'written', 'full']),
    bandwidthLimit: chance.from(8, 32) * MiB,
    cancelAt: chance.is(0.25) ? drawMoment(chance) : undefined,
    faults: Array.from({ length: chance.from(1, 3) }, () => drawFault(chance)),
  };
}

/** Most of a migration's time goes by before its pod runs, and while it copies. */
function drawMoment(chance: Chance): Moment {
  const step = chance.among<Moment['step']>({
    Initialize: 2,
    DiskAllocation: 4,
    DiskTransfer: 4,
    VirtualMachineCreation: 2,
  });
  return { step, afterMs: chance.from(0, step === 'VirtualMachineCreation' ? 800 : 5000) };
}

function drawMet(chance: Chance, verbs: readonly (readonly ApiVerb[])[]): Met {
  return { verbs: chance.pick(verbs), share: chance.pick([0.3, 0.6, 1]), ms: chance.from(300, 2500) };
}

const WRITES: readonly ApiVerb[] = ['create', 'update', 'patch', 'delete'];
const ANY: readonly ApiVerb[] = ['read', 'watch', ...WRITES];

function drawFault(chance: Chance): FaultScript {
  const at = drawMoment(chance);
  const kind = chance.among<FaultScript['kind']>({
    'api-server-is-killed': 2,
    'watches-are-cut': 2,
    'watch-is-gone': 1,
    'requests-are-refused': 4,
    'answers-are-lost': 5,
    'connections-are-reset': 2,
    'requests-stall': 1,
    'quota-is-used-up': 3,
    'volume-is-late': 2,
    'pod-is-deleted': 3,
    'pod-is-evicted': 2,
    'process-is-killed': 3,
    'node-is-lost': 1,
    'service-is-killed': 3,
  });
  switch (kind) {
    case 'api-server-is-killed':
      return { at, kind, ms: chance.from(100, 5000) };
    case 'watches-are-cut':
      return { at, kind, times: chance.from(1, 5) };
    case 'watch-is-gone':
      return { at, kind, as: chance.pick(['status', 'event']), ...drawMet(chance, [['watch']]) };
    case 'requests-are-refused': {
      const status = chance.pick([409, 429, 500, 503] as const);
      // Nobody conflicts with a read.
      return { at, kind, status, ...drawMet(chance, status === 409 ? [WRITES] : [ANY, WRITES, ['read']]) };
    }
    case 'answers-are-lost':
      return { at, kind, as: chance.pick(['status', 'reset']), ...drawMet(chance, [WRITES, ANY]) };
    case 'connections-are-reset':
      return { at, kind, ...drawMet(chance, [ANY, WRITES, ['read']]) };
    case 'requests-stall':
      return { at, kind, stallMs: chance.from(500, 8000), ...drawMet(chance, [ANY]) };
    case 'quota-is-used-up': {
      const of = chance.pick(['persistentvolumeclaims', 'pods', 'secrets'] as const);
      // Before what is made of it, or it would mean nothing.
      return { at: { step: 'Initialize', afterMs: 0 }, kind, of, ms: chance.from(1000, 12_000) };
    }
    case 'volume-is-late':
      return {
        at: { step: 'Initialize', afterMs: 0 },
        kind,
        of: chance.pick(['disk', 'scratch']),
        ms: chance.from(3000, 20_000),
      };
    case 'node-is-lost':
      return { at, kind, ms: chance.from(1000, 70_000) };
    case 'service-is-killed':
      return { at, kind, service: chance.pick(['planner', 'transfer', 'vm-creator']) };
    default:
      return { at, kind };
  }
}
