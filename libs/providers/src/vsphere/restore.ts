import type { ProviderSpec, RetireSourceSettings, SourceVm } from '@ledgerlift/contracts';
import type { BeforeRetirement, Patience } from '../port.js';
import { escaped, unescaped } from './inventory/surroundings.js';
import { connect, keyOf, labelOf, marked, nicsOf } from './retire.js';
import { type VsphereSession, sessionOf } from './session.js';
import type { VimNode } from './soap/node.js';
import { runTask } from './soap/tasks.js';
import { VsphereTagsNotOffered, losesTag } from './tagging/index.js';
import { configuredProperties, settled, vmRef } from './vm.js';

/** Undoes what `retire` did. @returns what was done, in words; what was so already is skipped */
export async function restore(
  spec: ProviderSpec,
  vm: SourceVm,
  { disconnectNics, renameSuffix, tag }: RetireSourceSettings,
  before: BeforeRetirement,
  patience: Patience,
): Promise<readonly string[]> {
  const session = sessionOf(spec);
  await settled(session, vm, patience);
  const paths = ['name', 'config.hardware.device', 'customValue', 'runtime.powerState'];
  const now = await configuredProperties(session, vm, paths, patience.signal);
  const done: string[] = [];
  if (disconnectNics) done.push(...(await connected(session, vm, now, before, patience)));
  // Somebody may have given the VM another name since.
  const name = now.get('name')?.text ?? '';
  if (renameSuffix !== undefined && unescaped(name) === vm.name + renameSuffix) {
    await runTask(session, 'Rename_Task', vmRef(vm), { newName: escaped(vm.name) }, patience);
    done.push(`renamed to '${vm.name}'`);
  }
  if (tag !== undefined && before.tag === 'ours')
    done.push(...(await untagged(session, vm, now.get('customValue'), tag, patience.signal)));
  return done;
}

async function connected(
  session: VsphereSession,
  vm: SourceVm,
  now: ReadonlyMap<string, VimNode>,
  { connectedNics }: BeforeRetirement,
  patience: Patience,
): Promise<readonly string[]> {
  const nics = nicsOf(now.get('config.hardware.device')).filter(
    (nic) =>
      nic.flagAt('connectable.startConnected') !== true &&
      (connectedNics === 'all' || connectedNics.includes(keyOf(nic))),
  );
  if (nics.length === 0) return [];
  // Only a VM that runs has connections; one that is off gets them with its power.
  const isOn = now.get('runtime.powerState')?.text === 'poweredOn';
  await connect(session, vm, nics, { startConnected: true, ...(isOn ? { connected: true } : {}) }, patience);
  return [`connected ${nics.map(labelOf).join(', ')}`];
}

/** Of a server without tags: the custom attribute that told of it is emptied. */
async function untagged(
  session: VsphereSession,
  vm: SourceVm,
  values: VimNode | undefined,
  tag: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  try {
    return (await losesTag(session, vm.id, tag, signal)) ? [`took the tag '${tag}' away`] : [];
  } catch (error) {
    if (!(error instanceof VsphereTagsNotOffered)) throw error;
    const wasMarked = (values?.parts ?? []).some((held) => held.textAt('value') === tag);
    return wasMarked && (await marked(session, vm, values, '', signal))
      ? [`took the mark '${tag}' away`]
      : [];
  }
}
