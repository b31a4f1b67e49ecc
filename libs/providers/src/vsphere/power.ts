import type { PowerState, ProviderSpec, ShutdownSettings, SourceVm } from '@ledgerlift/contracts';
import type { Patience, PoweredOff } from '../port.js';
import {
  VsphereGuestStillUp,
  VsphereVmAsks,
  VsphereVmNotOff,
  VsphereVmUnreadable,
  VsphereWaitTooLong,
} from './errors.js';
import { momentOf } from './moment.js';
import { sessionOf, type VsphereSession } from './session.js';
import { runTask, until } from './soap/tasks.js';
import { isFault, settled, vmProperties, vmRef } from './vm.js';

/** Time limit for switching a VM on or off, which does not depend on the guest. */
const SWITCH_MS = 120_000;
const LOOK_MS = 60_000;

const states: Readonly<Record<string, PowerState>> = {
  poweredOn: 'on',
  poweredOff: 'off',
  suspended: 'suspended',
};

export async function powerState(spec: ProviderSpec, vm: SourceVm): Promise<PowerState> {
  return stateOf(sessionOf(spec), vm, AbortSignal.timeout(LOOK_MS));
}

/** For a VM whose host or storage is away, vSphere reports the last known state, which does not count. */
async function stateOf(session: VsphereSession, vm: SourceVm, signal: AbortSignal): Promise<PowerState> {
  const properties = await vmProperties(
    session,
    vm,
    ['runtime.powerState', 'runtime.connectionState'],
    signal,
  );
  if (properties.get('runtime.connectionState')?.text !== 'connected') return 'unknown';
  return states[properties.get('runtime.powerState')?.text ?? ''] ?? 'unknown';
}

/**
 * Returns the moment that the disks represent; undefined while the VM runs.
 *
 * @throws VsphereVmUnreadable, VsphereMomentUnknown, and errors of a call
 */
export async function currentMoment(spec: ProviderSpec, vm: SourceVm): Promise<string | undefined> {
  const session = sessionOf(spec);
  const signal = AbortSignal.timeout(LOOK_MS);
  // Check before and after, so that a power-on between the two shows up in the state or in the moment.
  if (!(await isOff(session, vm, signal))) return undefined;
  const moment = await momentOf(session, vm, signal);
  return (await isOff(session, vm, signal)) ? moment : undefined;
}

async function isOff(session: VsphereSession, vm: SourceVm, signal: AbortSignal): Promise<boolean> {
  const state = await stateOf(session, vm, signal);
  if (state === 'unknown') throw new VsphereVmUnreadable(vm.name, 'away, or in no known power state');
  return state === 'off';
}

/** @throws VsphereGuestStillUp, VsphereVmNotOff, and errors of a task */
export async function powerOff(
  spec: ProviderSpec,
  vm: SourceVm,
  shutdown: ShutdownSettings,
  signal: AbortSignal,
): Promise<PoweredOff> {
  const session = sessionOf(spec);
  const patience = { signal, timeLimitMs: SWITCH_MS };
  await settled(session, vm, patience);
  const off = async (how: PoweredOff['how']): Promise<PoweredOff> => ({
    momentId: await momentOf(session, vm, signal),
    how,
  });
  const before = await stateOf(session, vm, signal);
  if (before === 'off') return off('was-off');
  // Its disks lack the guest's data in memory, and resuming it would run it.
  if (before === 'suspended')
    throw new VsphereVmNotOff(vm.name, before, 'resume it, shut its guest down, and retry');
  const refusal = await shutDown(session, vm, { signal, timeLimitMs: shutdown.timeLimitMs });
  if (refusal === undefined) return off('shut-down');
  if (shutdown.then !== 'force') throw new VsphereGuestStillUp(vm.name, refusal, shutdown.then);
  await switched(session, vm, 'PowerOffVM_Task', 'off', patience);
  return off('forced');
}

/** @returns the VM's resulting state */
export async function powerOn(spec: ProviderSpec, vm: SourceVm, patience: Patience): Promise<PowerState> {
  const session = sessionOf(spec);
  await settled(session, vm, patience);
  if ((await stateOf(session, vm, patience.signal)) !== 'on') {
    await switched(session, vm, 'PowerOnVM_Task', 'on', patience);
  }
  return 'on';
}

/** @returns why the guest did not shut down, for messages; undefined once the VM is off */
async function shutDown(
  session: VsphereSession,
  vm: SourceVm,
  patience: Patience,
): Promise<string | undefined> {
  const { signal, timeLimitMs } = patience;
  try {
    await session.call('ShutdownGuest', vmRef(vm), {}, { signal });
  } catch (error) {
    if (isFault(error, 'ToolsUnavailable'))
      return 'no VMware Tools run in its guest, which could be asked to shut down';
    // It went off meanwhile, or is shutting down; the wait below handles both.
    if (!isFault(error, 'InvalidPowerState', 'InvalidState', 'TaskInProgress')) throw error;
  }
  try {
    await until(`the shutdown of ${vm.name}`, patience, async () =>
      (await stateOf(session, vm, signal)) === 'off' ? true : undefined,
    );
    return undefined;
  } catch (error) {
    if (error instanceof VsphereWaitTooLong) return `its guest was asked to shut down ${timeLimitMs} ms ago`;
    throw error;
  }
}

/** Switches the VM and waits for the new state. Accepts a VM that somebody else has switched meanwhile. */
async function switched(
  session: VsphereSession,
  vm: SourceVm,
  method: 'PowerOffVM_Task' | 'PowerOnVM_Task',
  to: 'on' | 'off',
  patience: Patience,
): Promise<void> {
  try {
    await runTask(session, method, vmRef(vm), {}, patience);
  } catch (error) {
    if (error instanceof VsphereWaitTooLong) throw (await questionOf(session, vm, patience.signal)) ?? error;
    if (!isFault(error, 'InvalidPowerState')) throw error;
  }
  await until(`powering ${vm.name} ${to}`, patience, async () =>
    (await stateOf(session, vm, patience.signal)) === to ? true : undefined,
  );
}

async function questionOf(
  session: VsphereSession,
  vm: SourceVm,
  signal: AbortSignal,
): Promise<VsphereVmAsks | undefined> {
  const question = (await vmProperties(session, vm, ['runtime.question'], signal)).get('runtime.question');
  return question === undefined
    ? undefined
    : new VsphereVmAsks(vm.name, question.textAt('text') ?? 'it is not said');
}
