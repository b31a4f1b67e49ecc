import type { ProviderSpec, RetireSourceSettings, SourceVm } from '@ledgerlift/contracts';
import type { Patience } from '../port.js';
import { LabClient, vmPath } from './client.js';
import { LabWaitTooLong } from './errors.js';

/** @returns what was done, in words; what was so already is skipped @throws LabUnreachable, LabRefused, LabWaitTooLong */
export async function retire(
  spec: ProviderSpec,
  { id }: SourceVm,
  what: RetireSourceSettings,
  { signal, timeLimitMs }: Patience,
): Promise<readonly string[]> {
  const limit = AbortSignal.timeout(timeLimitMs);
  const lab = await LabClient.of(spec, AbortSignal.any([signal, limit]));
  try {
    return await retired(lab, id, what);
  } catch (error) {
    signal.throwIfAborted();
    throw limit.aborted ? new LabWaitTooLong(`the retirement of ${id}`, timeLimitMs) : error;
  }
}

async function retired(lab: LabClient, id: string, what: RetireSourceSettings): Promise<readonly string[]> {
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
    await lab.post(`${vmPath(id)}/tags`, { tag });
    done.push(`tagged '${tag}'`);
  }
  return done;
}
