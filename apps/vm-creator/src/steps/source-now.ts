import type { PowerState } from '@ledgerlift/contracts';
import type { StepHandler } from '@ledgerlift/worker';
import { loadedProvider } from '@ledgerlift/providers';
import { NoSourceProvider } from '../errors.js';

/** How the source is at present: what was recorded may have changed since. */
export interface SourceNow {
  readonly powerState: PowerState;
  /** The moment that its disks stand for; undefined while it runs, or where nobody can say. */
  readonly momentId: string | undefined;
}

export type AskSource = (job: Parameters<StepHandler>[0]['job']) => Promise<SourceNow>;

/** Asks the source itself. @throws NoSourceProvider, ExtensionNotLoaded, and what the provider cannot do */
export const askSource: AskSource = async ({ record }) => {
  const { spec } = record.source.provider;
  const { vm } = record.source;
  const provider = loadedProvider(spec.type);
  if (provider === undefined) throw new NoSourceProvider(spec.name, spec.type);
  const powerState = await provider.powerState(spec, vm);
  return { powerState, momentId: await provider.currentMoment(spec, vm) };
};
