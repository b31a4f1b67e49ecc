import type { ProviderSpec, ShutdownSettings, SourceVm } from '@ledgerlift/contracts';
import type { Patience, PoweredOff } from '@ledgerlift/providers';
import type { LabVm } from './answers.js';
import { LabClient, vmPath } from './client.js';
import { GuestStillUp, LabTaskFailed, LabWaitTooLong } from './errors.js';
import { finished, settled, until } from './waiting.js';

/** For what does not depend on a guest: to switch a VM off or on. */
const SWITCH_MS = 60_000;

/** The moment that a VM's disks stand for while it is off: another one each time it has run. */
export const momentOf = ({ instance, boots }: Pick<LabVm, 'instance' | 'boots'>): string =>
  `${instance}/boot-${boots}`;

/** @throws GuestStillUp, LabUnreachable, LabRefused */
export async function powerOff(
  spec: ProviderSpec,
  { id }: SourceVm,
  shutdown: ShutdownSettings,
  signal: AbortSignal,
): Promise<PoweredOff> {
  const lab = await LabClient.of(spec, signal);
  const patience = { signal, timeLimitMs: SWITCH_MS };
  await settled(lab, id, patience);
  const before = await lab.vm(id);
  if (before.power === 'off') return { momentId: momentOf(before), how: 'was-off' };
  const off = await shutDown(lab, id, { signal, timeLimitMs: shutdown.timeLimitMs });
  if (off !== undefined) return { momentId: momentOf(off), how: 'shut-down' };
  if (shutdown.then !== 'force') throw new GuestStillUp(id, shutdown.timeLimitMs, shutdown.then);
  await finished(lab, id, await lab.begin(powerRequest(id, 'force-off')), patience);
  const forced = await until(`powering ${id} off`, patience, () => ifOff(lab, id));
  return { momentId: momentOf(forced), how: 'forced' };
}

/** @throws LabTaskFailed, LabWaitTooLong, LabUnreachable, LabRefused */
export async function powerOn(spec: ProviderSpec, { id }: SourceVm, patience: Patience): Promise<'on'> {
  const lab = await LabClient.of(spec, patience.signal);
  await settled(lab, id, patience);
  if ((await lab.vm(id)).power === 'on') return 'on';
  await finished(lab, id, await lab.begin(powerRequest(id, 'on')), patience);
  return until(`powering ${id} on`, patience, async () =>
    (await lab.vm(id)).power === 'on' ? 'on' : undefined,
  );
}

/** @returns the VM, off; undefined when its guest did not go in time */
async function shutDown(lab: LabClient, id: string, patience: Patience): Promise<LabVm | undefined> {
  try {
    await finished(lab, id, await lab.begin(powerRequest(id, 'shutdown')), patience);
  } catch (error) {
    // It went off in the moment between: it is seen off below.
    const wentOff = error instanceof LabTaskFailed && error.reason === 'not-on';
    if (!wentOff && !(error instanceof LabWaitTooLong)) throw error;
  }
  try {
    return await until(`the shutdown of ${id}`, patience, () => ifOff(lab, id));
  } catch (error) {
    if (error instanceof LabWaitTooLong) return undefined;
    throw error;
  }
}

async function ifOff(lab: LabClient, id: string): Promise<LabVm | undefined> {
  const vm = await lab.vm(id);
  return vm.power === 'off' ? vm : undefined;
}

const powerRequest = (id: string, action: 'on' | 'shutdown' | 'force-off') =>
  ({ method: 'POST', path: `${vmPath(id)}/power`, body: { action } }) as const;
