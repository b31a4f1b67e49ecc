import type { PipelineStepView, StepResult, VmSummary, VmView } from '@ledgerlift/contracts';
import { type PipelineStep, type VmLive, isTerminal, pipelineOf } from '@ledgerlift/migration';
import type { VmRun } from '../../runs/run-service.js';
import { NoSuchVm } from '../errors.js';
import { currentProgress, vmProgress } from './progress.js';

/** @throws NoSuchVm where the log does not know the VM */
export function vmSummary(run: VmRun): VmSummary {
  const state = live(run);
  const pipeline = pipelineOf(state);
  const current = pipeline.find(({ status }) => status !== 'Completed' && status !== 'Pending');
  const next = current ?? pipeline.find(({ status }) => status === 'Pending');
  return {
    migrationId: state.record.migrationId,
    index: state.record.index,
    name: state.record.source.vm.name,
    targetName: state.record.targetName,
    targetNamespace: state.record.targetNamespace,
    state: state.phase,
    cancelRequested: state.cancel !== undefined,
    progressPercent: vmProgress(run),
    ...given('step', isTerminal(state) && state.phase === 'succeeded' ? undefined : next?.step),
    ...given('startedAt', state.admittedAt),
    ...given('endedAt', state.endedAt),
    ...given('waitingFor', next?.waitingFor),
    ...given('error', state.cleanup?.cause ?? current?.error),
  };
}

/** @throws NoSuchVm where the log does not know the VM */
export function vmView(run: VmRun): VmView {
  const state = live(run);
  const { record } = state;
  const conversion = resultOf(state, 'ImageConversion');
  const proof = resultOf(state, 'BootProof');
  return {
    ...vmSummary(run),
    sourceId: record.source.vm.id,
    pipeline: pipelineOf(state).map((step) => pipelineStepView(step, run)),
    conditions: [...state.conditions],
    target: {
      providerId: record.target.providerId,
      path: record.target.settings.path,
      folder: record.folder,
    },
    disks: resultOf(state, 'DiskTransfer')?.disks ?? [],
    ...given('inspection', conversion?.inspection),
    ...given('capabilities', conversion?.capabilities),
    ...given(
      'bootProof',
      proof && { booted: proof.booted, seconds: proof.seconds, evidence: proof.evidence },
    ),
    kept: state.kept.map(({ resource, reason }) => ({ kind: resource.kind, name: resource.name, reason })),
    logs: logsOf(state),
    ...given('outcome', state.cleanup?.outcome),
    abandoned: state.abandoned,
  };
}

/** Logs that were claimed and are still there, the conversion's first. */
export function logsOf(state: VmLive): string[] {
  const conversion = resultOf(state, 'ImageConversion')?.log;
  return Object.values(state.ledger)
    .filter(({ kind }) => kind === 'log')
    .toSorted((one, other) => rank(other) - rank(one))
    .map(({ name }) => name);

  function rank({ name, service }: { readonly name: string; readonly service: string }): number {
    return (name === conversion ? 2 : 0) + (service === 'converter' ? 1 : 0);
  }
}

function pipelineStepView(step: PipelineStep, run: VmRun): PipelineStepView {
  const progress = currentProgress(run);
  const isCurrent = step.status === 'Running' && progress?.ref.step === step.step;
  return {
    step: step.step,
    phase: step.phase,
    status: step.status,
    attempts: step.attempts,
    progress: isCurrent ? progress.items : [],
    ...given('startedAt', step.startedAt),
    ...given('completedAt', step.completedAt),
    ...given('message', isCurrent && progress.message !== '' ? progress.message : undefined),
    ...given('error', step.error),
    ...given('waitingFor', step.waitingFor),
  };
}

function live({ state, stream }: VmRun): VmLive {
  if (state === undefined) throw new NoSuchVm(stream);
  return state;
}

function resultOf<S extends StepResult['step']>(
  state: VmLive,
  step: S,
): Extract<StepResult, { step: S }> | undefined {
  const isOfStep = (result: StepResult): result is Extract<StepResult, { step: S }> => result.step === step;
  return state.results.findLast(isOfStep);
}

/** A field that is left out where there is no value. */
function given<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]?: V });
}
