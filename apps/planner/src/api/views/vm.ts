import type { PipelineStepView, VmSummary, VmView } from '@ledgerlift/contracts';
import {
  type PipelineStep,
  type VmLive,
  forecastOf,
  isTerminal,
  isWarm,
  lastResult,
  pipelineOf,
} from '@ledgerlift/migration';
import { whereOf } from '@ledgerlift/targets';
import type { VmRun } from '../../runs/run-service.js';
import { NoSuchVm } from '../errors.js';
import { given } from './given.js';
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
    ...given('waitingFor', run.waitsFor ?? next?.waitingFor),
    ...given('error', state.cleanup?.cause ?? current?.error),
  };
}

/** @throws NoSuchVm where the log does not know the VM */
export function vmView(run: VmRun): VmView {
  const state = live(run);
  const { record } = state;
  const conversion = lastResult(state, 'ImageConversion');
  const proof = lastResult(state, 'BootProof');
  const test = lastResult(state, 'TestBoot');
  return {
    ...vmSummary(run),
    sourceId: record.source.vm.id,
    pipeline: pipelineOf(state).map((step) => pipelineStepView(step, run)),
    conditions: [...state.conditions],
    target: {
      providerId: record.target.providerId,
      where: whereOf(record.target),
      folder: record.folder,
    },
    disks: lastResult(state, 'DiskTransfer')?.disks ?? [],
    ...given('inspection', conversion?.inspection ?? lastResult(state, 'PreflightInspection')?.inspection),
    ...given('capabilities', conversion?.capabilities),
    ...given(
      'bootProof',
      proof && { booted: proof.booted, seconds: proof.seconds, evidence: proof.evidence },
    ),
    kept: state.kept.map(({ resource, reason }) => ({ kind: resource.kind, name: resource.name, reason })),
    logs: logsOf(state),
    ...given('outcome', state.cleanup?.outcome),
    abandoned: state.abandoned,
    ...given('warm', isWarm(state) ? warmView(state) : undefined),
    ...given(
      'testBoot',
      test && { booted: test.booted, seconds: test.seconds, evidence: test.evidence, moment: test.moment },
    ),
    ...given('rollback', state.rollback),
  };
}

function warmView(state: VmLive): NonNullable<VmView['warm']> {
  const { approve } = state.record.settings;
  return {
    round: state.round,
    ...given('nextPassAt', state.precopy?.dueAt),
    ...given('cutoverAt', state.cutover?.dueAt),
    ...given('cutoverBy', state.cutover?.by),
    ...given('cutoverDeferred', state.cutoverDeferred),
    approval: !approve.cutover ? 'not-needed' : state.cutoverApproved ? 'given' : 'awaited',
    forecast: forecastOf(state, new Date()),
  };
}

/** Logs that were claimed and are still there, the conversion's first. */
export function logsOf(state: VmLive): string[] {
  const conversion = lastResult(state, 'ImageConversion')?.log;
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
    ...given('waitingFor', (step.status === 'Waiting' ? run.waitsFor : undefined) ?? step.waitingFor),
  };
}

function live({ state, stream }: VmRun): VmLive {
  if (state === undefined) throw new NoSuchVm(stream);
  return state;
}
