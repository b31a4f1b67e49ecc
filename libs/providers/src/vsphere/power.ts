import type { PowerState, ProviderSpec, ShutdownSettings, SourceVm } from '@ledgerlift/contracts';
import type { PoweredOff, Patience } from '../port.js';
import {
  VsphereGuestStillUp,
  VsphereVmAsks,
  VsphereVmNotOff,
  VsphereVmUnreadable,
  VsphereWaitTooLong,
} from './errors.js';
import { momentOf } from './moment.js';
import { type VsphereSession, sessionOf } from './session.js';
import { runTask, until } from './soap/tasks.js';
import { isFault, settled, vmProperties, vmRef } from './vm.js';

/** For what does not depend on a guest: to switch a VM off or on. */
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

/** Of a VM whose host or storage is away, vSphere tells the state that it saw last: that is none. */
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
 * The moment that the disks of a VM stand for which is off; undefined while it runs.
 *
 * @throws VsphereVmUnreadable, VsphereMomentUnknown, and what a call throws
 */
export async function currentMoment(spec: ProviderSpec, vm: SourceVm): Promise<string | undefined> {
  const session = sessionOf(spec);
  const signal = AbortSignal.timeout(LOOK_MS);
  // Before and after: what is powered on between the two is seen to run, or to have run.
  if (!(await isOff(session, vm, signal))) return undefined;
  const moment = await momentOf(session, vm, signal);
  return (await isOff(session, vm, signal)) ? moment : undefined;
}

async function isOff(session: VsphereSession, vm: SourceVm, signal: AbortSignal): Promise<boolean> {
  const state = await stateOf(session, vm, signal);
  if (state === 'unknown') throw new VsphereVmUnreadable(vm.name, 'away, or in no known power state');
  return state === 'off';
}

/** @throws VsphereGuestStillUp, VsphereVmNotOff, and what a task throws */
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
  // Its disks are not what its guest had in memory, and to resume it would be to run it.
  if (before === 'suspended')
    throw new VsphereVmNotOff(vm.name, before, 'resume it, shut its guest down, and retry');
  const refusal = await shutDown(session, vm, { signal, timeLimitMs: shutdown.timeLimitMs });
  if (refusal === undefined) return off('shut-down');
  if (shutdown.then !== 'force') throw new VsphereGuestStillUp(vm.name, refusal, shutdown.then);
  await switched(session, vm, 'PowerOffVM_Task', 'off', patience);
  return off('forced');
}

/** @returns the state that the VM then has */
export async function powerOn(spec: ProviderSpec, vm: SourceVm, patience: Patience): Promise<PowerState> {
  const session = sessionOf(spec);
  await settled(session, vm, patience);
  if ((await stateOf(session, vm, patience.signal)) !== 'on') {
    await switched(session, vm, 'PowerOnVM_Task', 'on', patience);
  }
  return 'on';
}

/** @returns why the guest did not go, in words; undefined once the VM is off */
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
    // It went off in the moment between, or is on its way: it is seen off below.
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

/** Switches the VM and sees it switched. One that was switched meanwhile by somebody else is as it should be. */
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
