import type { PipelineStepView, Progress, ProgressEntry, VmSummary, VmView } from '@ledgerlift/contracts';
import {
  cleanupOf,
  forecastOf,
  isAbandoned,
  isDecided,
  isTerminal,
  isWarm,
  keptOf,
  lastResult,
  openAttempt,
  pipelineOf,
  type PipelineStep,
  precopyOf,
  progressOf,
  type VmLive,
} from '@ledgerlift/migration';
import { whereOf } from '@ledgerlift/targets';
import type { RunService, VmRun } from '../../runs/run-service.js';
import { vmOfStream } from '../../runs/stream-names.js';
import { NoSuchVm } from '../errors.js';
import { given } from './catalog.js';

/** @throws NoSuchVm if the log does not know the VM */
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
    ...given('endedAt', isTerminal(state) ? state.endedAt : undefined),
    ...given('waitingFor', run.waitsFor ?? next?.waitingFor),
    ...given('error', cleanupOf(state)?.cause ?? current?.error),
  };
}

/** @throws NoSuchVm if the log does not know the VM */
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
    kept: keptOf(state).map(({ resource, reason }) => ({ kind: resource.kind, name: resource.name, reason })),
    logs: logsOf(state),
    ...given('outcome', cleanupOf(state)?.outcome),
    abandoned: isAbandoned(state),
    ...given('warm', isWarm(state) ? warmView(state) : undefined),
    ...given(
      'testBoot',
      test && { booted: test.booted, seconds: test.seconds, evidence: test.evidence, moment: test.moment },
    ),
    ...given('rollback', isDecided(state) ? state.rollback : undefined),
  };
}

function warmView(state: VmLive): NonNullable<VmView['warm']> {
  const { approve } = state.record.settings;
  const { scheduled, deferred, isApproved } = state.cutover;
  return {
    round: state.round,
    ...given('nextPassAt', precopyOf(state)?.dueAt),
    ...given('cutoverAt', scheduled?.dueAt),
    ...given('cutoverBy', scheduled?.by),
    ...given('cutoverDeferred', deferred),
    approval: !approve.cutover ? 'not-needed' : isApproved ? 'given' : 'awaited',
    forecast: forecastOf(state, new Date()),
  };
}

/** Logs in the VM's ledger, the conversion's first. */
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

/** Progress of the open attempt; undefined if the latest progress is of an earlier one. */
export function currentProgress({ state, progress }: VmRun): Progress | undefined {
  const open = state && openAttempt(state);
  if (open === undefined || progress === undefined) return undefined;
  return progress.ref.step === open.step && progress.ref.attempt === open.attempt ? progress : undefined;
}

/** Percent: completed steps ÷ steps, plus the share of the current step, in bytes or any other unit that the worker counts. */
export function vmProgress(run: VmRun): number {
  return run.state === undefined ? 0 : progressOf(run.state, shareOf(currentProgress(run)));
}

/** Percent that the running step adds to the completed ones. */
export const shareUnderWay = (run: VmRun): number =>
  run.state === undefined ? 0 : vmProgress(run) - progressOf(run.state);

/** Share of the progress that is done, in the first unit that has items: bytes, then percent, then steps. */
export function shareOf(progress: Progress | undefined): number {
  for (const unit of ['bytes', 'percent', 'steps'] as const) {
    const items = progress?.items.filter((item) => item.unit === unit && item.total > 0) ?? [];
    if (items.length === 0) continue;
    const done = items.reduce((sum, item) => sum + Math.min(item.done, item.total), 0);
    return done / items.reduce((sum, item) => sum + item.total, 0);
  }
  return 0;
}

/** The VM's entry in the progress bucket; undefined if the VM has not begun or has ended. */
export function progressEntry(runs: RunService, stream: string, now: Date): ProgressEntry | undefined {
  const of = vmOfStream(stream);
  const run = of && runs.migration(of.migrationId)?.vm(of.vm);
  if (run?.state === undefined || run.state.phase === 'planned' || isTerminal(run.state)) return undefined;
  const { migrationId, index, name, state, step, progressPercent } = vmSummary(run);
  const progress = currentProgress(run);
  return {
    migrationId,
    index,
    planId: run.state.record.planId,
    name,
    state,
    ...(step === undefined ? {} : { step }),
    progressPercent,
    items: progress?.items ?? [],
    message: progress?.message ?? '',
    at: now.toISOString(),
  };
}
