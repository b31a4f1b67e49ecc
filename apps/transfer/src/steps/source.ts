import type { ProviderSpec, SourceVm, StepResult, TransferPass } from '@ledgerlift/contracts';
import { loadedProvider, type SourceProvider } from '@ledgerlift/providers';
import { guardOf, targetOf, type Workplace } from '@ledgerlift/targets';
import { type Attempt, SourceRanMeanwhile, type StepHandler } from '@ledgerlift/worker';
import { MissingResult, NoSnapshots, SourceChanged, UnknownSource } from '../errors.js';

export interface Source {
  readonly provider: SourceProvider;
  readonly spec: ProviderSpec;
  /** As recorded when the migration started. */
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
 * Checks that the source matches its record, so that we copy only what the user approved. The provider's fingerprint
 * excludes properties that may change during a migration (power, snapshots).
 *
 * @returns the current VM
 * @throws SourceChanged
 */
export async function assertUnchanged({ provider, spec, vm }: Source): Promise<SourceVm> {
  const now = await provider.currentVm(spec, vm.id);
  if (now === undefined) throw new SourceChanged(vm.name, 'is gone');
  if (now.fingerprint !== vm.fingerprint) throw new SourceChanged(vm.name, 'has changed');
  return now;
}

/** Checks that the source has been off since this moment. @throws SourceRanMeanwhile */
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

/** A job without a pass, from an older planner, is cold. */
export const passOf = ({ job }: Attempt): TransferPass => job.pass ?? { kind: 'cold', round: 0 };

/** Checks that the source is unchanged, and records its power state (and connected NICs) before we change anything. */
export const initialize: StepHandler = async (attempt) => {
  const source = sourceOf(attempt);
  attempt.progress([], `checking ${source.vm.path}`);
  await assertUnchanged(source);
  const powerState = await source.provider.powerState(source.spec, source.vm);
  const { disconnectNics } = attempt.job.record.settings.retireSource;
  const nics = disconnectNics ? await source.provider.connectedNics?.(source.spec, source.vm) : undefined;
  return {
    step: 'Initialize',
    powerState,
    fingerprint: source.vm.fingerprint,
    ...(nics === undefined ? {} : { connectedNics: [...nics] }),
  };
};

/** The workplace for the attempt's VM; the caller disposes it. */
export const workplaceOf = (attempt: Attempt): Promise<Workplace> => {
  const { record } = attempt.job;
  return targetOf(record.target.type).workplace(record, guardOf(attempt));
};
