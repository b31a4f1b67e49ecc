import { Chance as SeededChance } from '@ledgerlift/testing';
import { drawRules, STARTER } from '../rules/script.js';
import { SERVICES } from '../world/service.js';
import {
  type CommandKind,
  type CommandScript,
  type DiskScript,
  type FaultKind,
  faultKinds,
  type FaultScript,
  type RunScript,
  type SourceKind,
  type VmScript,
} from './script.js';

/** Chance that always falls the same way for the same seed and run. */
export class Chance extends SeededChance {
  constructor(seed: number, run: number) {
    // Neighbouring runs must not have neighbouring states.
    super(Math.imul(seed, 0x9e3779b1) ^ Math.imul(run + 1, 0x85ebca6b));
    for (let skipped = 0; skipped < 4; skipped += 1) this.next();
  }

  /** A whole number, both ends included. */
  from(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  is(share: number): boolean {
    return this.next() < share;
  }

  /** One of the names, as often as its weight says. */
  among<T extends string>(weights: Readonly<Partial<Record<T, number>>>): T {
    return this.weighted((Object.entries(weights) as [T, number][]).map(([name, weight]) => [weight, name]));
  }
}

const MiB = 1024 * 1024;
/** Faults and commands fall into the first seconds: in these nearly every migration is done. */
const WINDOW_MS = 3500;

/** What this machine lets us do: mounts need root. */
export interface Means {
  readonly mounts: boolean;
  readonly cluster: boolean;
  readonly database: boolean;
  /** Longer than this, a worker's lease is over. */
  readonly leaseMs: number;
}

/** Draws a run. The same seed and run always give the same one. */
export function drawRun(seed: number, run: number, means: Means): RunScript {
  const chance = new Chance(seed, run);
  const source = chance.among<SourceKind>({ ova: 3, 'lab-cold': 2, 'lab-warm': 5 });
  const converts = chance.is(0.5);
  const vms = Array.from({ length: chance.pick([1, 1, 2]) }, (_, n) =>
    drawVm(chance, source, `r${run}v${n}`),
  );
  const drawn = {
    seed,
    run,
    source,
    vms,
    converts,
    bandwidthLimit: chance.is(0.6) ? chance.from(3, 16) * MiB : undefined,
    verify: chance.pick(['none', 'written', 'full'] as const),
    maxRetries: chance.from(1, 6),
    conversionSeconds: chance.from(1, 12) / 10,
    retires: source !== 'ova' && chance.is(0.2),
    faults: Array.from({ length: chance.from(1, 4) }, () => drawFault(chance, source, vms.length, means)),
    commands: chance.is(0.6)
      ? Array.from({ length: chance.from(1, 3) }, () => drawCommand(chance, source, vms.length))
      : [],
    retriesFailed: chance.is(0.8),
    faultsBegin: chance.is(0.15) ? ('before-start' as const) : ('after-start' as const),
  };
  // Last, so that what was drawn before there were rules is drawn as it was.
  const rules = drawRules(chance, { run, warm: source === 'lab-warm', vms: vms.length, windowMs: WINDOW_MS });
  return {
    ...drawn,
    commands: [
      ...drawn.commands.map((command) => ({ ...command, by: askedBy(chance) })),
      ...rules.approvals.tries,
    ],
    rules,
  };
}

/** Who asks matters where a second person must agree. */
const askedBy = (chance: Chance): string => chance.pick([STARTER, STARTER, 'ada', 'grace']);

function drawVm(chance: Chance, source: SourceKind, name: string): VmScript {
  return {
    name,
    disks: Array.from({ length: chance.pick([1, 1, 2]) }, (_, n) => drawDisk(chance, n)),
    wasOn: source === 'lab-warm' || (source === 'lab-cold' && chance.is(0.6)),
    afterCrash: chance.is(0.6) ? 'on' : 'off',
    ignoresShutdown: chance.is(0.1),
    rollsBack: source !== 'ova' && chance.is(0.15),
  };
}

const drawDisk = (chance: Chance, n: number): DiskScript => ({
  id: `disk-${n}`,
  mib: chance.pick([2, 2, 4, 8, 16]),
  seed: chance.from(1, 6),
  filled: chance.pick([0.1, 0.5, 0.9]),
  packing: chance.pick(['streamOptimized', 'streamOptimized', 'monolithicSparse', 'gzip', 'chunks']),
});

function drawFault(chance: Chance, source: SourceKind, vms: number, means: Means): FaultScript {
  const group = chance.among<keyof typeof faultKinds>({
    service: 5,
    world: 3,
    ...(means.mounts ? { storage: 2 } : {}),
    ...(means.cluster ? { cluster: 5 } : {}),
    ...(means.database ? { database: 4 } : {}),
    ...(source === 'ova' ? { ova: 1.5 } : { lab: 4 }),
  });
  const kind: FaultKind = chance.pick<FaultKind>(faultKinds[group]);
  const atMs = chance.from(0, WINDOW_MS);
  return {
    kind,
    atMs,
    // From what is drawn already, so that the draws of a run stay as they were.
    node: atMs % 3,
    forMs: lasting(chance, kind, means),
    service: chance.pick(SERVICES),
    vm: chance.from(0, vms - 1),
    times: chance.pick([1, 1, 2, 5]),
  };
}

function lasting(chance: Chance, kind: FaultKind, { leaseMs }: Means): number {
  const short = chance.from(50, 900);
  // Within the lease, about as long as it, and longer: each means something else to the planner.
  const lease = chance.pick([chance.from(50, leaseMs - 200), leaseMs, leaseMs + chance.from(200, 1500)]);
  switch (kind) {
    case 'stop':
    case 'cut':
    case 'hold':
    case 'nats-stop':
    case 'nats-partition':
      return lease;
    case 'leader-stop':
      // Mostly longer than the lease on a database's log, which the other planner then takes over.
      return chance.from(4000, 8000);
    case 'kill':
    case 'kill-all':
    case 'lab-kill':
    case 'lab-crash':
      return chance.is(0.5) ? 0 : short;
    case 'nats-restart':
    case 'nats-wipe':
    case 'database-kill':
    case 'cbt-reset':
    case 'lab-status':
    case 'lab-cut':
    case 'lab-answer-lost':
    case 'lab-task-fails':
    case 'lab-task-lies':
    case 'busy-guest':
      return 0;
    default:
      return short * chance.pick([1, 3]);
  }
}

function drawCommand(chance: Chance, source: SourceKind, vms: number): CommandScript {
  const kind = chance.among<CommandKind>({
    cancel: 2,
    retry: 1,
    pause: 3,
    resume: 2,
    'plan-pause': 1,
    'plan-resume': 1,
    'plan-cancel': 0.5,
    'plan-retry': 0.5,
    ...(source === 'ova' ? {} : { rollback: 0.5 }),
    ...(source === 'lab-warm' ? { cutover: 4, 'test-boot': 2 } : {}),
  });
  return { kind, atMs: chance.from(0, WINDOW_MS + 1000), vm: chance.from(0, vms - 1) };
}
