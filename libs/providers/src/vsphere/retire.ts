import type { ProviderSpec, RetireSourceSettings, SourceVm } from '@ledgerlift/contracts';
import type { Patience } from '../port.js';
import { escaped, unescaped } from './inventory/surroundings.js';
import { type VsphereSession, sessionOf } from './session.js';
import type { ObjectRef, VimNode } from './soap/node.js';
import { propertiesOf } from './soap/properties.js';
import { typed, type VimValue } from './soap/render.js';
import { runTask } from './soap/tasks.js';
import { VsphereTagsNotOffered, bearsTag } from './tagging/index.js';
import { configuredProperties, settled, vmRef } from './vm.js';

/** Ids of the NICs that are connected, or will be when the VM is powered on. */
export async function connectedNics(spec: ProviderSpec, vm: SourceVm): Promise<readonly string[]> {
  const signal = AbortSignal.timeout(LOOK_MS);
  const devices = await configuredProperties(sessionOf(spec), vm, ['config.hardware.device'], signal);
  return connected(nicsOf(devices.get('config.hardware.device'))).map(keyOf);
}

const LOOK_MS = 60_000;

/** Kinds of virtual device that are network adapters (vim.vm.device.VirtualEthernetCard and its subtypes). */
const NICS = /^Virtual(E1000e?|Vmxnet[23]?|PCNet32|SriovEthernetCard)$/;
/** The name under which a custom attribute tells what was done with the VM, where there are no tags. */
const ATTRIBUTE = 'ledgerlift';

export const nicsOf = (devices: VimNode | undefined): readonly VimNode[] =>
  (devices?.parts ?? []).filter(({ kind }) => NICS.test(kind));
export const keyOf = (nic: VimNode): string => nic.textAt('key') ?? '';
export const labelOf = (nic: VimNode): string =>
  nic.textAt('deviceInfo.label') ?? nic.textAt('key') ?? 'a network adapter';
const connected = (nics: readonly VimNode[]): readonly VimNode[] =>
  nics.filter(
    (nic) =>
      nic.flagAt('connectable.startConnected') === true || nic.flagAt('connectable.connected') === true,
  );

/**
 * Edits the connection of NICs and nothing else of them: each device is sent whole, as it was read. vSphere takes what an edit
 * leaves out as wanted away, such as the network (VirtualDeviceConfigSpec.device).
 */
export async function connect(
  session: VsphereSession,
  vm: SourceVm,
  nics: readonly VimNode[],
  to: Readonly<Record<string, boolean>>,
  patience: Patience,
): Promise<void> {
  const deviceChange = nics.map((nic) => ({ operation: 'edit', device: asRead(nic, { connectable: to }) }));
  await runTask(session, 'ReconfigVM_Task', vmRef(vm), { spec: { deviceChange } }, patience);
}

type Changes = Readonly<Record<string, Readonly<Record<string, boolean>>>>;

/** What was read, to be sent again; parts keep their order, which is that of the schema. */
function asRead(node: VimNode, changes: Changes = {}): VimValue {
  const { ref } = node;
  if (ref !== undefined) return ref;
  if (node.parts.length === 0) return node.text;
  const value: Record<string, VimValue> = {};
  for (const name of new Set(node.parts.map((part) => part.name))) {
    const held = node.partsNamed(name).map((part) => asRead(part));
    const [only] = held;
    const read = held.length === 1 && only !== undefined ? only : held;
    const changed = changes[name];
    value[name] = changed === undefined || typeof read !== 'object' ? read : { ...read, ...changed };
  }
  return node.kind === '' ? value : typed(node.kind, value);
}

/** @returns what was done, in words; what was so already is skipped */
export async function retire(
  spec: ProviderSpec,
  vm: SourceVm,
  { disconnectNics, renameSuffix, tag }: RetireSourceSettings,
  patience: Patience,
  beforeTag: () => Promise<void> = () => Promise.resolve(),
): Promise<readonly string[]> {
  const session = sessionOf(spec);
  await settled(session, vm, patience);
  const paths = ['name', 'config.hardware.device', 'customValue'];
  const now = await configuredProperties(session, vm, paths, patience.signal);
  const done: string[] = [];
  if (disconnectNics)
    done.push(...(await disconnected(session, vm, now.get('config.hardware.device'), patience)));
  const name = unescaped(now.get('name')?.text ?? '');
  if (renameSuffix !== undefined && !name.endsWith(renameSuffix)) {
    await runTask(session, 'Rename_Task', vmRef(vm), { newName: escaped(name + renameSuffix) }, patience);
    done.push(`renamed to '${name}${renameSuffix}'`);
  }
  if (tag !== undefined)
    done.push(...(await tagged(session, vm, now.get('customValue'), { tag, beforeTag }, patience.signal)));
  return done;
}

/** By a tag; where the server has none, by a custom attribute if it has those, and in any case it is told. */
async function tagged(
  session: VsphereSession,
  vm: SourceVm,
  values: VimNode | undefined,
  { tag, beforeTag }: { readonly tag: string; readonly beforeTag: () => Promise<void> },
  signal: AbortSignal,
): Promise<readonly string[]> {
  try {
    return (await bearsTag(session, vm.id, tag, signal, beforeTag)) ? [`tagged '${tag}'`] : [];
  } catch (error) {
    if (!(error instanceof VsphereTagsNotOffered)) throw error;
    const isMarked = await marked(session, vm, values, tag, signal, beforeTag);
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
  const nics = connected(nicsOf(devices));
  if (nics.length === 0) return [];
  // Off it must stay disconnected when somebody powers it on.
  await connect(session, vm, nics, { startConnected: false, connected: false }, patience);
  return [`disconnected ${nics.map(labelOf).join(', ')}`];
}

/** @returns false where it was marked so already */
export async function marked(
  session: VsphereSession,
  vm: SourceVm,
  values: VimNode | undefined,
  value: string,
  signal: AbortSignal,
  before?: () => Promise<void>,
): Promise<boolean> {
  const { customFieldsManager } = await session.content(signal);
  if (customFieldsManager === undefined) return false;
  const key = await attributeKey(session, customFieldsManager, signal);
  const isSo = (values?.parts ?? []).some(
    (held) => held.numberAt('key') === key && held.textAt('value') === value,
  );
  if (isSo) return false;
  await before?.();
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
