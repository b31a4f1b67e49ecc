import type { ProviderSpec, RetireSourceSettings, SourceVm } from '@ledgerlift/contracts';
import type { BeforeRetirement, Patience } from '@ledgerlift/providers';
import { LabClient, vmPath } from './client.js';
import { LabWaitTooLong } from './errors.js';

export async function connectedNics(spec: ProviderSpec, { id }: SourceVm): Promise<readonly string[]> {
  const { nics } = await (await LabClient.of(spec)).vm(id);
  return nics.filter((nic) => nic.connected).map((nic) => nic.id);
}

/** @returns what was done, in words @throws LabUnreachable, LabRefused, LabWaitTooLong */
export function restore(
  spec: ProviderSpec,
  vm: SourceVm,
  what: RetireSourceSettings,
  before: BeforeRetirement,
  patience: Patience,
): Promise<readonly string[]> {
  return within(spec, vm, 'restoration', patience, (lab) => restored(lab, vm, what, before));
}

async function restored(
  lab: LabClient,
  vm: SourceVm,
  { disconnectNics, renameSuffix, tag }: RetireSourceSettings,
  before: BeforeRetirement,
): Promise<readonly string[]> {
  const { nics, name, tags } = await lab.vm(vm.id);
  const done: string[] = [];
  const lost = nics.filter(
    (nic) => !nic.connected && (before.connectedNics === 'all' || before.connectedNics.includes(nic.id)),
  );
  if (disconnectNics && lost.length > 0) {
    await lab.post(`${vmPath(vm.id)}/nics`, { connected: true, ids: lost.map((nic) => nic.id) });
    done.push(`connected ${lost.map((nic) => nic.name).join(', ')}`);
  }
  if (renameSuffix !== undefined && name === vm.name + renameSuffix) {
    await lab.post(`${vmPath(vm.id)}/rename`, { name: vm.name });
    done.push(`renamed to '${vm.name}'`);
  }
  if (tag !== undefined && before.tag === 'ours' && tags.includes(tag)) {
    await lab.post(`${vmPath(vm.id)}/untag`, { tag });
    done.push(`took the tag '${tag}' away`);
  }
  return done;
}

/** @returns what was done, in words; what was so already is skipped @throws LabUnreachable, LabRefused, LabWaitTooLong */
export async function retire(
  spec: ProviderSpec,
  vm: SourceVm,
  what: RetireSourceSettings,
  patience: Patience,
  beforeTag?: () => Promise<void>,
): Promise<readonly string[]> {
  return within(spec, vm, 'retirement', patience, (lab) => retired(lab, vm.id, what, beforeTag));
}

async function within(
  spec: ProviderSpec,
  { id }: SourceVm,
  what: string,
  { signal, timeLimitMs }: Patience,
  work: (lab: LabClient) => Promise<readonly string[]>,
): Promise<readonly string[]> {
  const limit = AbortSignal.timeout(timeLimitMs);
  const lab = await LabClient.of(spec, AbortSignal.any([signal, limit]));
  try {
    return await work(lab);
  } catch (error) {
    signal.throwIfAborted();
    throw limit.aborted ? new LabWaitTooLong(`the ${what} of ${id}`, timeLimitMs) : error;
  }
}

async function retired(
  lab: LabClient,
  id: string,
  what: RetireSourceSettings,
  beforeTag?: () => Promise<void>,
): Promise<readonly string[]> {
  const { nics, name, tags } = await lab.vm(id);
  const done: string[] = [];
  const { disconnectNics, renameSuffix, tag } = what;
  const connected = nics.filter((nic) => nic.connected).map((nic) => nic.name);
  if (disconnectNics && connected.length > 0) {
    await lab.post(`${vmPath(id)}/nics`, { connected: false });
    done.push(`disconnected ${connected.join(', ')}`);
  }
  if (renameSuffix !== undefined && !name.endsWith(renameSuffix)) {
    await lab.post(`${vmPath(id)}/rename`, { name: name + renameSuffix });
    done.push(`renamed to '${name}${renameSuffix}'`);
  }
  if (tag !== undefined && !tags.includes(tag)) {
    await beforeTag?.();
    await lab.post(`${vmPath(id)}/tags`, { tag });
    done.push(`tagged '${tag}'`);
  }
  return done;
}
