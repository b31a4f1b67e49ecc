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
  ready: z.boolean().default(false),
  state: z
    .object({
      waiting: z.object({ reason: z.string().default(''), message: z.string().default('') }).optional(),
      running: z.object({}).optional(),
    })
    .prefault({}),
});

/** A Pod, as far as it is read. */
export const Pod = z.object({
  metadata: ObjectMetadata,
  spec: z.object({ nodeName: z.string().optional() }).prefault({}),
  status: z
    .object({
      phase: z.string().default('Pending'),
      reason: z.string().default(''),
      message: z.string().default(''),
      conditions: z.array(Condition).default([]),
      containerStatuses: z.array(ContainerStatus).default([]),
    })
    .prefault({}),
});
export type Pod = z.infer<typeof Pod>;

export type PodState =
  | { readonly is: 'running' }
  /** `why`: what it waits for, in words without a full stop; `hopeless`: waiting alone does not help. */
  | { readonly is: 'starting'; readonly why: string; readonly outlook: 'usual' | 'hopeless' }
  /** It runs no more, and never will. `gone`: nothing of it can still write. */
  | { readonly is: 'over'; readonly why: string }
  | { readonly is: 'ending' };

// kubernetes v1.34, pkg/kubelet/images/types.go and pkg/kubelet/container/sync_result.go: a pull that failed is tried again, what is
// wrong with the pod itself is not.
const HOPELESS = new Set([
  'CreateContainerConfigError',
  'CreateContainerError',
  'ErrImageNeverPull',
  'ErrImagePull',
  'ImagePullBackOff',
  'InvalidImageName',
]);

/** How a worker pod is, from what the cluster says of it. Pure. */
export function stateOf({ metadata, status }: Pod): PodState {
  if (metadata.deletionTimestamp !== undefined) return { is: 'ending' };
  const { phase, reason, message, conditions, containerStatuses } = status;
  if (phase === 'Failed' || phase === 'Succeeded')
    return { is: 'over', why: [reason || phase, message].filter((part) => part !== '').join(': ') };
  const waiting = containerStatuses.flatMap(({ name, state }) =>
    state.waiting === undefined ? [] : [{ name, ...state.waiting }],
  );
  const stuck = waiting.find((each) => HOPELESS.has(each.reason));
  if (stuck !== undefined)
    return {
      is: 'starting',
      why: `its container ${stuck.name} cannot start: ${stuck.reason} (${stuck.message})`,
      outlook: 'hopeless',
    };
  const unscheduled = conditions.find(({ type, status: is }) => type === 'PodScheduled' && is === 'False');
  if (unscheduled !== undefined)
    return {
      is: 'starting',
      why: `no node takes it: ${unscheduled.message || unscheduled.reason}`,
      outlook: 'hopeless',
    };
  if (phase === 'Running') return { is: 'running' };
  const [first] = waiting;
  const why = first === undefined ? 'its volumes and images are prepared' : `${first.name}: ${first.reason}`;
  return { is: 'starting', why, outlook: 'usual' };
}
