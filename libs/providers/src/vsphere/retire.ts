import type { ProviderSpec, RetireSourceSettings, SourceVm } from '@ledgerlift/contracts';
import type { BeforeRetirement, Patience } from '../port.js';
import { escaped, unescaped } from './inventory/surroundings.js';
import { sessionOf, type VsphereSession } from './session.js';
import { type ObjectRef, typed, type VimNode, type VimValue } from './soap/xml.js';
import { propertiesOf } from './soap/properties.js';
import { runTask } from './soap/tasks.js';
import { bearsTag, losesTag, VsphereTagsNotOffered } from './tagging/index.js';
import { configuredProperties, settled, vmRef } from './vm.js';

/** Lists the ids of NICs that are connected, or will be at power-on. */
export async function connectedNics(spec: ProviderSpec, vm: SourceVm): Promise<readonly string[]> {
  const signal = AbortSignal.timeout(LOOK_MS);
  const devices = await configuredProperties(sessionOf(spec), vm, ['config.hardware.device'], signal);
  return connected(nicsOf(devices.get('config.hardware.device'))).map(keyOf);
}

const LOOK_MS = 60_000;

/** Kinds of virtual device that are network adapters (vim.vm.device.VirtualEthernetCard and its subtypes). */
const NICS = /^Virtual(E1000e?|Vmxnet[23]?|PCNet32|SriovEthernetCard)$/;
/** Custom attribute that marks the VM on servers without tags. */
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
 * Changes only the connection of NICs. Sends each device whole, as it was read, because vSphere removes anything that an edit
 * omits, such as the network (VirtualDeviceConfigSpec.device).
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

/** Turns a read value into one to send. Keeps the order of parts, which the schema requires. */
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

/** @returns the actions taken, for messages; actions that were not needed are skipped */
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

/** Attaches a tag or, on a server without tags, sets a custom attribute if possible. Always reports what it did. */
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
  // A powered-off VM must stay disconnected when somebody powers it on.
  await connect(session, vm, nics, { startConnected: false, connected: false }, patience);
  return [`disconnected ${nics.map(labelOf).join(', ')}`];
}

/** @returns false if it was already marked */
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

/** Returns the key of our attribute, creating the attribute if needed. */
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

/** Undoes `retire`. @returns the actions taken, for messages; actions that were not needed are skipped */
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
  if (disconnectNics) done.push(...(await reconnected(session, vm, now, before, patience)));
  // Somebody may have renamed the VM since.
  const name = now.get('name')?.text ?? '';
  if (renameSuffix !== undefined && unescaped(name) === vm.name + renameSuffix) {
    await runTask(session, 'Rename_Task', vmRef(vm), { newName: escaped(vm.name) }, patience);
    done.push(`renamed to '${vm.name}'`);
  }
  if (tag !== undefined && before.tag === 'ours')
    done.push(...(await untagged(session, vm, now.get('customValue'), tag, patience.signal)));
  return done;
}

async function reconnected(
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
  // Only a running VM has connections; a powered-off one gets them at power-on.
  const isOn = now.get('runtime.powerState')?.text === 'poweredOn';
  await connect(session, vm, nics, { startConnected: true, ...(isOn ? { connected: true } : {}) }, patience);
  return [`connected ${nics.map(labelOf).join(', ')}`];
}

/** On a server without tags, clears the custom attribute that was used instead. */
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
