import type { PowerState } from '@ledgerlift/contracts';
import { loadedProvider } from '@ledgerlift/providers';
import { guardOf, targetOf, ToolFailed, type Workplace } from '@ledgerlift/targets';
import { type Attempt, SourceRanMeanwhile, type StepHandler } from '@ledgerlift/worker';
import { endBoots } from '../boot-proof/host.js';
import {
  NoSourceProvider,
  QemuMissing,
  ResultMissing,
  SourceMomentUnknown,
  SourceNotAsked,
  SourceNotSeenOff,
  TargetHeld,
} from '../errors.js';
import { resultOf, targetVmOf } from './findings.js';

/**
 * Creates the VM from its disks. Idempotent, so a retry repeats it. The VM is always created halted: only
 * `FinalPowerActions` lets it start, once its source is confirmed off.
 */
export const virtualMachineCreation: StepHandler = async (attempt) => {
  const vm = targetVmOf(attempt.job);
  await using place = await workplaceOf(attempt);
  return { step: 'VirtualMachineCreation', files: [...(await place.vm.create(vm))] };
};

/** The workplace for the attempt's VM; the caller disposes it. */
export const workplaceOf = (attempt: Attempt): Promise<Workplace> => {
  const { record } = attempt.job;
  return targetOf(record.target.type).workplace(record, guardOf(attempt));
};

/**
 * Allows the target to start only if the source is confirmed off, at the moment that was copied. Sets the VM's run
 * strategy here, and not before.
 *
 * @throws SourceRanMeanwhile if the source runs, or has run since its power-off
 */
export function finalPowerActions(askSource: AskSource): StepHandler {
  return async (attempt) => {
    const { job, signal } = attempt;
    const { name } = job.record.source.vm;
    const off = resultOf(job, 'SourcePowerOff');
    if (off === undefined) throw new ResultMissing('SourcePowerOff');
    // Errors before the target may start have the effect `none`, so a retry may still copy again.
    const { powerState, momentId } = await askSource(job).catch((error: unknown) => {
      throw error instanceof NoSourceProvider ? error : new SourceNotAsked(name, error);
    });
    signal.throwIfAborted();
    if (powerState === 'unknown') throw new SourceNotSeenOff(name);
    if (powerState !== 'off') throw new SourceRanMeanwhile(name, `it is ${powerState} now`);
    if (momentId === undefined) throw new SourceMomentUnknown(name);
    if (momentId !== off.momentId)
      throw new SourceRanMeanwhile(
        name,
        `its disks stand for ${momentId} now, and for ${off.momentId} when they were copied`,
      );
    const vm = targetVmOf(job);
    await using place = await workplaceOf(attempt);
    const target = await place.vm.setRunStrategy(vm);
    return { step: 'FinalPowerActions', sourcePowerState: powerState, target };
  };
}

/**
 * Stops the target and prevents its start, so that the source may be powered on: halts the VM, ends our processes on
 * its disks, then checks that no other process holds them. Idempotent. The libvirt domain needs no change, because it
 * starts only by hand.
 *
 * @throws TargetHeld if another process holds a disk, for example because the target was started by hand
 */
export const targetPowerOff: StepHandler = async (attempt) => {
  const { job, signal } = attempt;
  await using place = await workplaceOf(attempt);
  if (await place.vm.isCreated())
    await place.vm.setRunStrategy({ ...targetVmOf(job), runStrategy: 'Halted' });
  signal.throwIfAborted();
  await endBoots(job.record);
  const holder = await place.vm.holder().catch((error: unknown) => {
    throw error instanceof ToolFailed ? new QemuMissing(error.tool) : error;
  });
  if (holder !== undefined) throw new TargetHeld(holder.path, holder.who);
  return { step: 'TargetPowerOff' };
};

/** The source's current state, which may differ from the record. */
export interface SourceNow {
  readonly powerState: PowerState;
  /** The moment that its disks represent; undefined while it runs, or if unknown. */
  readonly momentId: string | undefined;
}

export type AskSource = (job: Parameters<StepHandler>[0]['job']) => Promise<SourceNow>;

/** Asks the source. @throws NoSourceProvider, ExtensionNotLoaded; the provider's errors */
export const askSource: AskSource = async ({ record }) => {
  const { spec } = record.source.provider;
  const { vm } = record.source;
  const provider = loadedProvider(spec.type);
  if (provider === undefined) throw new NoSourceProvider(spec.name, spec.type);
  const powerState = await provider.powerState(spec, vm);
  return { powerState, momentId: await provider.currentMoment(spec, vm) };
};
