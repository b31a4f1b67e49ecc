import type { RulesScript } from '../rules/script.js';
import type { Service } from '../world/service.js';

/** All that is decided about a run before it begins. What the seed does not decide is how fast the machine is. */
export interface RunScript {
  readonly seed: number;
  readonly run: number;
  readonly source: SourceKind;
  readonly vms: readonly VmScript[];
  readonly converts: boolean;
  readonly bandwidthLimit: number | undefined;
  readonly verify: 'none' | 'written' | 'full';
  readonly maxRetries: number;
  readonly conversionSeconds: number;
  readonly retires: boolean;
  readonly faults: readonly FaultScript[];
  readonly commands: readonly CommandScript[];
  /** Whether the operator tries again what failed; else the plan is archived, and all that was kept goes. */
  readonly retriesFailed: boolean;
  /** Begin before the plan is started, or right after. */
  readonly faultsBegin: 'before-start' | 'after-start';
  readonly rules: RulesScript;
}

export type SourceKind = 'ova' | 'lab-cold' | 'lab-warm';

export interface VmScript {
  readonly name: string;
  readonly disks: readonly DiskScript[];
  readonly wasOn: boolean;
  readonly afterCrash: 'on' | 'off';
  readonly ignoresShutdown: boolean;
  /** Once it has succeeded, it is rolled back. */
  readonly rollsBack: boolean;
}

export interface DiskScript {
  readonly id: string;
  readonly mib: number;
  readonly seed: number;
  readonly filled: number;
  readonly packing: 'streamOptimized' | 'monolithicSparse' | 'gzip' | 'chunks';
}

const SERVICE_FAULTS = ['kill', 'stop', 'cut', 'hold'] as const;
const WORLD_FAULTS = ['kill-all', 'nats-restart', 'nats-wipe', 'nats-stop', 'slow-disk'] as const;
const CLUSTER_FAULTS = ['nats-restart', 'nats-wipe', 'nats-stop', 'nats-partition'] as const;
const DATABASE_FAULTS = ['database-kill', 'leader-stop'] as const;
const STORAGE_FAULTS = ['full-target', 'full-log', 'read-only-target'] as const;
const LAB_FAULTS = [
  'lab-status',
  'lab-cut',
  'lab-answer-lost',
  'lab-delay',
  'lab-task-fails',
  'lab-task-lies',
  'lab-nbd-cut',
  'lab-kill',
  'lab-crash',
  'cbt-reset',
  'intruder',
  'runs-between',
  'busy-guest',
] as const;
const OVA_FAULTS = ['ova-vanishes'] as const;
export const faultKinds = {
  service: SERVICE_FAULTS,
  world: WORLD_FAULTS,
  cluster: CLUSTER_FAULTS,
  database: DATABASE_FAULTS,
  storage: STORAGE_FAULTS,
  lab: LAB_FAULTS,
  ova: OVA_FAULTS,
} as const;
export type FaultKind = (typeof faultKinds)[keyof typeof faultKinds][number];

export interface FaultScript {
  readonly kind: FaultKind;
  readonly atMs: number;
  /** How long it lasts. */
  readonly forMs: number;
  readonly service: Service;
  /** Number of the VM that it is about. */
  readonly vm: number;
  /** Number of the server of NATS that it is about. */
  readonly node: number;
  /** How many requests, where it is about requests. */
  readonly times: number;
}

export type CommandKind =
  | 'cancel'
  | 'retry'
  | 'pause'
  | 'resume'
  | 'cutover'
  | 'test-boot'
  | 'rollback'
  | 'plan-pause'
  | 'plan-resume'
  | 'plan-cancel'
  | 'plan-retry'
  | 'approve-start'
  | 'approve-cutover';

export interface CommandScript {
  readonly kind: CommandKind;
  readonly atMs: number;
  readonly vm: number;
  /** Who asks; by default the one who started the plan. */
  readonly by?: string;
  /** An approval for another moment than the one that is scheduled. */
  readonly moment?: 'whichever' | 'another';
}

/** As it is told in the line of a run. */
export function described({ kind, service, atMs, forMs }: FaultScript): string {
  const of = (faultKinds.service as readonly string[]).includes(kind) ? ` ${service}` : '';
  return `${kind}${of}@${(atMs / 1000).toFixed(1)}s${forMs === 0 ? '' : `+${(forMs / 1000).toFixed(1)}s`}`;
}
