import { z } from 'zod';
import { ObjectMetadata } from '../ownership.js';

const Conditions = z
  .array(
    z.object({
      type: z.string(),
      status: z.string(),
      reason: z.string().default(''),
      message: z.string().default(''),
    }),
  )
  .default([]);

/** The fields of a VirtualMachine that we read. */
export const Machine = z.object({
  metadata: ObjectMetadata.extend({
    managedFields: z
      .array(
        z.looseObject({
          manager: z.string().default(''),
          operation: z.string().default(''),
          subresource: z.string().default(''),
        }),
      )
      .default([]),
  }),
  spec: z.object({ runStrategy: z.string().optional(), running: z.boolean().optional() }),
  status: z.object({ printableStatus: z.string().default(''), conditions: Conditions }).prefault({}),
});
export type Machine = z.infer<typeof Machine>;

/** A VirtualMachineInstance: the VM while it runs. */
export const Instance = z.object({
  metadata: ObjectMetadata,
  status: z.object({ phase: z.string().default(''), conditions: Conditions }).prefault({}),
});
export type Instance = z.infer<typeof Instance>;

export type VmState =
  | { readonly is: 'halted' | 'starting' | 'running' | 'paused' | 'stopping' }
  | {
      readonly is: 'failed';
      /** KubeVirt's reason, such as `ErrorUnschedulable`. */
      readonly reason: string;
      /** KubeVirt's message; may be empty. */
      readonly message: string;
    };

// kubevirt.io/api v1.8.0, core/v1/types.go, VirtualMachinePrintableStatus: those that need an operator.
const FAILURES = new Set([
  'CrashLoopBackOff',
  'ErrorUnschedulable',
  'ErrImagePull',
  'ImagePullBackOff',
  'ErrorPvcNotFound',
  'DataVolumeError',
]);

/**
 * Derives a VM's state from KubeVirt's objects. Pure.
 *
 * @param instance undefined if there is none. Only then is a VM halted: until its instance is gone, it may write to its disks.
 */
export function stateOf(vm: Machine, instance: Instance | undefined): VmState {
  const isToRun = runStrategyOf(vm) !== 'Halted';
  const { printableStatus } = vm.status;
  if (instance === undefined) {
    if (!isToRun) return { is: 'halted' };
    return FAILURES.has(printableStatus) ? failed(printableStatus, vm, instance) : { is: 'starting' };
  }
  if (!isToRun || instance.metadata.deletionTimestamp !== undefined) return { is: 'stopping' };
  const { phase } = instance.status;
  if (phase === 'Failed') return failed(phase, vm, instance);
  if (phase === 'Succeeded') return { is: 'stopping' };
  if (phase === 'Running') return { is: isTrue(instance, 'Paused') ? 'paused' : 'running' };
  return FAILURES.has(printableStatus) ? failed(printableStatus, vm, instance) : { is: 'starting' };
}

/** Whether the guest's agent answers. */
export const isAgentConnected = (instance: Instance | undefined): boolean =>
  instance !== undefined && isTrue(instance, 'AgentConnected');

/** `running`, or `failed: ErrorUnschedulable (0/3 nodes are available)`. */
export function describeState(state: VmState): string {
  if (state.is !== 'failed') return state.is;
  return `failed: ${state.reason}${state.message === '' ? '' : ` (${state.message})`}`;
}

/** Reads the run strategy. `running` is its predecessor; a VM has one of the two. */
export const runStrategyOf = ({ spec: { runStrategy, running } }: Machine): string =>
  runStrategy ?? (running === true ? 'Always' : 'Halted');

const isTrue = ({ status: { conditions } }: Instance, wanted: string): boolean =>
  conditions.some(({ type, status }) => type === wanted && status === 'True');

function failed(reason: string, vm: Machine, instance: Instance | undefined): VmState {
  const all = [...(instance?.status.conditions ?? []), ...vm.status.conditions];
  // Among the conditions of a failure, choose the one nearest to its cause.
  const telling = [
    all.find(({ type, status }) => type === 'PodScheduled' && status === 'False'),
    all.find(({ type, status }) => type === 'Failure' && status === 'True'),
    all.find(({ type, status }) => type === 'Synchronized' && status === 'False'),
    all.find(({ type, status }) => type === 'Ready' && status === 'False'),
  ].find((condition) => condition !== undefined && condition.message !== '');
  return { is: 'failed', reason, message: telling?.message ?? '' };
}
