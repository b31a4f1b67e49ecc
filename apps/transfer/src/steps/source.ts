import type { ProviderSpec, SourceVm, StepResult, TransferPass } from '@ledgerlift/contracts';
import { type Attempt, SourceRanMeanwhile } from '@ledgerlift/worker';
import { type SourceProvider, loadedProvider } from '@ledgerlift/providers';
import { MissingResult, NoSnapshots, SourceChanged, UnknownSource } from '../errors.js';

export interface Source {
  readonly provider: SourceProvider;
  readonly spec: ProviderSpec;
  /** As it was recorded when the migration started. */
  readonly vm: SourceVm;
}

/** @throws UnknownSource, ExtensionNotLoaded */
export function sourceOf({ job }: Attempt): Source {
  const { spec } = job.record.source.provider;
  const provider = loadedProvider(spec.type);
  if (provider === undefined) throw new UnknownSource(spec.type);
  return { provider, spec, vm: job.record.source.vm };
}

/** @throws NoSnapshots */
export function snapshotsOf({ provider }: Source): NonNullable<SourceProvider['snapshots']> {
  if (provider.snapshots === undefined) throw new NoSnapshots(provider.type);
  return provider.snapshots;
}

/**
 * Sees that the source is what was recorded: never is anything copied that nobody agreed to. What may change of a VM
 * while it is migrated (its power, its snapshots) is no part of the provider's fingerprint.
 *
 * @returns it as it is now
 * @throws SourceChanged
 */
export async function assertUnchanged({ provider, spec, vm }: Source): Promise<SourceVm> {
  const now = await provider.currentVm(spec, vm.id);
  if (now === undefined) throw new SourceChanged(vm.name, 'is gone');
  if (now.fingerprint !== vm.fingerprint) throw new SourceChanged(vm.name, 'has changed');
  return now;
}

/** Sees that the source has been off ever since it stood for this moment. @throws SourceRanMeanwhile */
export async function assertStillOff({ provider, spec, vm }: Source, momentId: string): Promise<void> {
  const now = await provider.currentMoment(spec, vm);
  if (now === undefined) throw new SourceRanMeanwhile(vm.name, 'it is on');
  if (now !== momentId)
    throw new SourceRanMeanwhile(vm.name, `it stood for ${momentId}, and stands for ${now}`);
}

type ResultOf<S extends StepResult['step']> = Extract<StepResult, { step: S }>;

/** The latest result of a step. @throws MissingResult */
export function resultOf<S extends StepResult['step']>({ job }: Attempt, step: S): ResultOf<S> {
  const found = job.results.findLast((result): result is ResultOf<S> => result.step === step);
  if (found === undefined) throw new MissingResult(`result of ${step}`);
  return found;
}

/** A job of a planner that knows no passes is a cold one. */
export const passOf = ({ job }: Attempt): TransferPass => job.pass ?? { kind: 'cold', round: 0 };
