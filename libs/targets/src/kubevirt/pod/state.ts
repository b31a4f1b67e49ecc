import { z } from 'zod';
import { ObjectMetadata } from '../ownership.js';

const Condition = z.object({
  type: z.string(),
  status: z.string(),
  reason: z.string().default(''),
  message: z.string().default(''),
});
const ContainerStatus = z.object({
  name: z.string(),
  state: z
    .object({
      waiting: z.object({ reason: z.string().default(''), message: z.string().default('') }).optional(),
    })
    .prefault({}),
  /** How its last run ended. */
  lastState: z
    .object({
      terminated: z.object({ startedAt: z.string().nullish(), finishedAt: z.string().nullish() }).optional(),
    })
    .prefault({}),
});
type ContainerStatus = z.infer<typeof ContainerStatus>;

/** The fields of a Pod that we read. */
export const Pod = z.object({
  metadata: ObjectMetadata,
  spec: z.object({ nodeName: z.string().optional() }).prefault({}),
  status: z
    .object({
      phase: z.string().default('Pending'),
      conditions: z.array(Condition).default([]),
      initContainerStatuses: z.array(ContainerStatus).default([]),
      containerStatuses: z.array(ContainerStatus).default([]),
    })
    .prefault({}),
});
export type Pod = z.infer<typeof Pod>;

export type PodState =
  | { readonly is: 'running' }
  /** `why`: the reason for the wait, without a full stop. */
  | { readonly is: 'starting'; readonly why: string }
  /** All containers have ended and none restarts: the pod was evicted, or its node was shut down. */
  | { readonly is: 'over' }
  | { readonly is: 'ending' };

/** Normal reasons while volumes are attached and images pulled (kubernetes v1.34, pkg/kubelet/kubelet_pods.go). */
const AS_IT_SHOULD = new Set(['', 'ContainerCreating', 'PodInitializing']);
/** A container that repeatedly ends sooner than this does no work. */
const SHORT_RUN_MS = 60_000;

/** Derives a worker pod's state from its status. Pure. */
export function stateOf({ metadata, status }: Pod): PodState {
  if (metadata.deletionTimestamp !== undefined) return { is: 'ending' };
  const { phase, conditions, initContainerStatuses, containerStatuses } = status;
  if (phase === 'Failed' || phase === 'Succeeded') return { is: 'over' };
  const stuck = [...initContainerStatuses, ...containerStatuses].find(isStuck);
  if (stuck !== undefined) return { is: 'starting', why: whyStuck(stuck) };
  const unscheduled = conditions.find(({ type, status: is }) => type === 'PodScheduled' && is === 'False');
  if (unscheduled !== undefined)
    return { is: 'starting', why: `no node can run it: ${unscheduled.message || unscheduled.reason}` };
  if (phase === 'Running') return { is: 'running' };
  return { is: 'starting', why: 'its volumes are being attached and its images pulled' };
}

/** Whether a container cannot start, or always ends at once. One that ended after hours of work just restarts. */
function isStuck({ state, lastState }: ContainerStatus): boolean {
  if (state.waiting === undefined || AS_IT_SHOULD.has(state.waiting.reason)) return false;
  if (state.waiting.reason !== 'CrashLoopBackOff') return true;
  const { startedAt, finishedAt } = lastState.terminated ?? {};
  const ranMs = Date.parse(finishedAt ?? '') - Date.parse(startedAt ?? '');
  // An unknown duration counts as short.
  return !(ranMs >= SHORT_RUN_MS);
}

function whyStuck({ name, state }: ContainerStatus): string {
  const { reason = '', message = '' } = state.waiting ?? {};
  return `its container "${name}" does not start: ${[reason, message].filter((part) => part !== '').join(': ')}`;
}
