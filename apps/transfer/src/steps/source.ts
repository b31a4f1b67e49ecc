import type { ProviderSpec, SourceVm, StepResult } from '@ledgerlift/contracts';
import type { Attempt } from '@ledgerlift/messaging';
import { type SourceProvider, sourceProvider } from '@ledgerlift/providers';
import { MissingResult, SourceChanged, UnknownSource } from '../errors.js';

export interface Source {
  readonly provider: SourceProvider;
  readonly spec: ProviderSpec;
  /** As it was recorded when the migration started. */
  readonly vm: SourceVm;
}

/** @throws UnknownSource */
export function sourceOf({ job }: Attempt): Source {
  const { spec } = job.record.source.provider;
  const provider = sourceProvider(spec.type);
  if (provider === undefined) throw new UnknownSource(spec.type);
  return { provider, spec, vm: job.record.source.vm };
}

/** Sees that the source is what was recorded: never is anything copied that nobody agreed to. @throws SourceChanged */
export async function assertUnchanged({ provider, spec, vm }: Source): Promise<void> {
  const now = await provider.currentVm(spec, vm.id);
  if (now === undefined) throw new SourceChanged(vm.name, 'is gone');
  if (now.fingerprint !== vm.fingerprint) throw new SourceChanged(vm.name, 'has changed');
}

type ResultOf<S extends StepResult['step']> = Extract<StepResult, { step: S }>;

/** The latest result of a step. @throws MissingResult */
export function resultOf<S extends StepResult['step']>({ job }: Attempt, step: S): ResultOf<S> {
  const found = job.results.findLast((result): result is ResultOf<S> => result.step === step);
  if (found === undefined) throw new MissingResult(step);
  return found;
}
