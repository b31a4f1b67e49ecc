import type { ProviderSpec, RetireSourceSettings, SourceVm } from '@ledgerlift/contracts';
import type { Patience } from '../port.js';
import { type VsphereSession, sessionOf } from './session.js';
import type { ObjectRef, VimNode } from './soap/node.js';
import { propertiesOf } from './soap/properties.js';
import { typed } from './soap/render.js';
import { runTask } from './soap/tasks.js';
import { VsphereTagsNotOffered, bearsTag } from './tagging/index.js';
import { configuredProperties, settled, vmRef } from './vm.js';

/** Kinds of virtual device that are network adapters (vim.vm.device.VirtualEthernetCard and its subtypes). */
const NICS = /^Virtual(E1000e?|Vmxnet[23]?|PCNet32|SriovEthernetCard)$/;
/** The name under which a custom attribute tells what was done with the VM, where there are no tags. */
const ATTRIBUTE = 'ledgerlift';

/** @returns what was done, in words; what was so already is skipped */
export async function retire(
  spec: ProviderSpec,
  vm: SourceVm,
  { disconnectNics, renameSuffix, tag }: RetireSourceSettings,
  patience: Patience,
): Promise<readonly string[]> {
  const session = sessionOf(spec);
  await settled(session, vm, patience);
  const paths = ['name', 'config.hardware.device', 'customValue'];
  const now = await configuredProperties(session, vm, paths, patience.signal);
  const done: string[] = [];
  if (disconnectNics)
    done.push(...(await disconnected(session, vm, now.get('config.hardware.device'), patience)));
  const name = now.get('name')?.text ?? vm.name;
  if (renameSuffix !== undefined && !name.endsWith(renameSuffix)) {
    await runTask(session, 'Rename_Task', vmRef(vm), { newName: name + renameSuffix }, patience);
    done.push(`renamed to '${name}${renameSuffix}'`);
  }
  if (tag !== undefined)
    done.push(...(await tagged(session, vm, now.get('customValue'), tag, patience.signal)));
  return done;
}

/** By a tag; where the server has none, by a custom attribute if it has those, and in any case it is told. */
async function tagged(
  session: VsphereSession,
  vm: SourceVm,
  values: VimNode | undefined,
  tag: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  try {
    return (await bearsTag(session, vm.id, tag, signal)) ? [`tagged '${tag}'`] : [];
  } catch (error) {
    if (!(error instanceof VsphereTagsNotOffered)) throw error;
    const isMarked = await marked(session, vm, values, tag, signal);
    return [
      ...(isMarked ? [`marked '${tag}' in its custom attribute '${ATTRIBUTE}'`] : []),
      `not tagged: ${error.code} ${error.message}`,
    ];
  }
}

async function disconnected(
  session: VsphereSession,
  vm: SourceVm,
  devices: VimNode | undefined,
  patience: Patience,
): Promise<readonly string[]> {
  const nics = (devices?.parts ?? []).filter(
    (device) =>
      NICS.test(device.kind) &&
      (device.flagAt('connectable.startConnected') === true ||
        device.flagAt('connectable.connected') === true),
  );
  if (nics.length === 0) return [];
  const deviceChange = nics.map((nic) => ({
    operation: 'edit',
    device: typed(nic.kind, {
      key: nic.textAt('key') ?? '',
      connectable: { startConnected: false, allowGuestControl: false, connected: false },
    }),
  }));
  await runTask(session, 'ReconfigVM_Task', vmRef(vm), { spec: { deviceChange } }, patience);
  const names = nics.map((nic) => nic.textAt('deviceInfo.label') ?? nic.textAt('key') ?? 'a network adapter');
  return [`disconnected ${names.join(', ')}`];
}

/** @returns false where it was marked so already */
async function marked(
  session: VsphereSession,
  vm: SourceVm,
  values: VimNode | undefined,
  value: string,
  signal: AbortSignal,
): Promise<boolean> {
  const { customFieldsManager } = await session.content(signal);
  if (customFieldsManager === undefined) return false;
  const key = await attributeKey(session, customFieldsManager, signal);
  const isSo = (values?.parts ?? []).some(
    (held) => held.numberAt('key') === key && held.textAt('value') === value,
  );
  if (isSo) return false;
  await session.call('SetField', customFieldsManager, { entity: vmRef(vm), key, value }, { signal });
  return true;
}

/** Of our attribute; made where there is none yet. */
async function attributeKey(
  session: VsphereSession,
  manager: ObjectRef,
  signal: AbortSignal,
): Promise<number> {
  const fields = (await propertiesOf(session, manager, ['field'], signal)).get('field');
  const found = (fields?.parts ?? []).find((field) => field.textAt('name') === ATTRIBUTE)?.numberAt('key');
  if (found !== undefined) return found;
  const args = { name: ATTRIBUTE, moType: 'VirtualMachine' };
  const made = await session.call('AddCustomFieldDef', manager, args, { signal });
  return made.numberAt('returnval.key') ?? -1;
}
