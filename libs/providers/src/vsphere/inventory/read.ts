import type { Inventory, InventoryProblem, SourceHost, SourceVm } from '@ledgerlift/contracts';
import { VsphereVmIsTemplate, VsphereVmUnreadable } from '../errors.js';
import type { VsphereSession } from '../session.js';
import { type ObjectRef, typed } from '../soap/xml.js';
import {
  propertiesOf,
  retrieve,
  retrieveFiltered,
  type PropertyFilter,
  type VimObject,
} from '../soap/properties.js';
import { isFault } from '../vm.js';
import { SURROUNDING_PATHS, VM_PATHS } from './paths.js';
import { type Judge, sourceVm } from './source-vm.js';
import { Surroundings, unescaped } from './surroundings.js';
import { readTags, type Tags } from './tags.js';

/** VMs to read per request, to limit memory: each is about 10 to 30 kB of XML. */
const VMS_AT_ONCE = 100;

/** Reads the whole inventory of a server. @throws errors of a call */
export async function readInventory(
  session: VsphereSession,
  judge: Judge,
  signal: AbortSignal,
): Promise<Inventory> {
  const around = await readSurroundings(session, signal);
  const refs = await listVms(session, signal);
  const { vms, problems } = await readVms(session, refs, around, judge, signal);
  const ids = refs.map(({ id }) => id);
  const { tags, problem } = await readTags(session, ids, signal);
  return inventoryOf(around, tagged(vms, tags), [...problems, ...(problem === undefined ? [] : [problem])]);
}

export const tagged = (vms: readonly SourceVm[], tags: Tags | undefined): readonly SourceVm[] =>
  tags === undefined ? vms : vms.map((vm) => ({ ...vm, tags: [...(tags.get(vm.id) ?? [])] }));

/**
 * Reads one VM; undefined only if vSphere reports that it is gone.
 *
 * @throws VsphereVmUnreadable, VsphereVmIsTemplate, and errors of a call
 */
export async function readVm(
  session: VsphereSession,
  vmId: string,
  judge: Judge,
  signal: AbortSignal,
): Promise<SourceVm | undefined> {
  const ref = { type: 'VirtualMachine', id: vmId };
  const raw = (await present(session, [ref], signal))[0];
  if (raw === undefined) return undefined;
  const name = nameOf(raw);
  if (isTemplate(raw)) throw new VsphereVmIsTemplate(name);
  const vm = sourceVm(raw, await readSurroundings(session, signal), judge);
  if (vm === undefined) throw new VsphereVmUnreadable(name, connectionOf(raw));
  return vm;
}

export function inventoryOf(
  around: Surroundings,
  vms: readonly SourceVm[],
  problems: readonly InventoryProblem[],
): Inventory {
  const named = (types: readonly string[]) =>
    around
      .ofType(...types)
      .map(({ ref }) => ({ id: ref.id, name: around.nameOf(ref) ?? ref.id, type: ref.type }));
  return {
    takenAt: new Date().toISOString(),
    ...(around.version === '' ? {} : { version: around.version }),
    vms: vms.toSorted((a, b) => compare(a.path, b.path) || compare(a.id, b.id)),
    networks: named(['Network', 'DistributedVirtualPortgroup', 'OpaqueNetwork']).map(
      ({ id, name, type }) => ({
        id,
        name,
        description: NETWORKS[type] ?? '',
        path: around.pathOf({ type, id }),
      }),
    ),
    storages: around.ofType('Datastore').map((datastore) => storageOf(datastore, around)),
    hosts: around.ofType('HostSystem').map((host) => hostOf(host, around)),
    datacenters: around.ofType('Datacenter').map(({ ref }) => placeOf(ref, around)),
    clusters: around.ofType('ClusterComputeResource').map(({ ref }) => placeOf(ref, around)),
    folders: foldersOf(vms, around),
    problems: [...problems],
  };
}

const placeOf = (ref: ObjectRef, around: Surroundings) => ({
  id: ref.id,
  name: around.nameOf(ref) ?? ref.id,
  path: around.pathOf(ref),
});

function foldersOf(vms: readonly SourceVm[], around: Surroundings): Inventory['folders'] {
  const ids = new Set(vms.flatMap(({ folderIds = [] }) => folderIds));
  return around
    .ofType('Folder', 'VirtualApp')
    .filter(({ ref }) => ids.has(ref.id))
    .map(({ ref }) => ({ ...placeOf(ref, around), name: around.folderPath(ref) }));
}

function storageOf({ ref, properties }: VimObject, around: Surroundings): Inventory['storages'][number] {
  const bytes = (path: string): number | undefined => {
    const number = Number(properties.get(path)?.text ?? Number.NaN);
    return Number.isSafeInteger(number) && number >= 0 ? number : undefined;
  };
  const [capacityBytes, freeBytes] = [bytes('summary.capacity'), bytes('summary.freeSpace')];
  const kind = properties.get('summary.type')?.text;
  return {
    id: ref.id,
    name: around.nameOf(ref) ?? ref.id,
    path: around.pathOf(ref),
    ...(kind === undefined ? {} : { kind }),
    ...(capacityBytes === undefined ? {} : { capacityBytes }),
    ...(freeBytes === undefined ? {} : { freeBytes }),
  };
}

function hostOf({ ref, properties }: VimObject, around: Surroundings): SourceHost {
  const [datacenter, cluster] = ['Datacenter', 'ClusterComputeResource'].map((type) =>
    around.nameOf(around.above(ref, type)),
  );
  const isConnected = properties.get('runtime.connectionState')?.text === 'connected';
  const isInMaintenance = properties.get('runtime.inMaintenanceMode')?.text === 'true';
  return {
    id: ref.id,
    name: around.nameOf(ref) ?? ref.id,
    path: around.pathOf(ref),
    ...(datacenter === undefined ? {} : { datacenter }),
    ...(cluster === undefined ? {} : { cluster }),
    state: isInMaintenance ? 'maintenance' : isConnected ? 'connected' : 'disconnected',
    adapters: (properties.get('config.network.pnic')?.parts ?? []).map((adapter) => {
      const [mac, linkMbps] = [adapter.textAt('mac'), adapter.numberAt('linkSpeed.speedMb')];
      return {
        name: adapter.textAt('device') ?? '',
        ...(mac === undefined ? {} : { mac: mac.toLowerCase() }),
        ...(linkMbps === undefined ? {} : { linkMbps }),
      };
    }),
  };
}

const NETWORKS: Readonly<Record<string, string>> = {
  Network: 'standard network',
  DistributedVirtualPortgroup: 'distributed port group',
  OpaqueNetwork: 'NSX segment',
};
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

export async function readSurroundings(session: VsphereSession, signal: AbortSignal): Promise<Surroundings> {
  const types = Object.keys(SURROUNDING_PATHS);
  const propSet = types.map((type) => ({ type, all: false, pathSet: SURROUNDING_PATHS[type] ?? [] }));
  const objects = await retrieveAll(session, types, propSet, signal);
  const { version } = await session.content(signal);
  return new Surroundings(objects, await attributeNames(session, signal), version);
}

export async function listVms(session: VsphereSession, signal: AbortSignal): Promise<readonly ObjectRef[]> {
  const propSet = [{ type: 'VirtualMachine', all: false, pathSet: ['config.template'] }];
  const found = await retrieveAll(session, ['VirtualMachine'], propSet, signal);
  return found.filter((raw) => !isTemplate(raw)).map(({ ref }) => ref);
}

export interface ReadVms {
  readonly vms: readonly SourceVm[];
  readonly problems: readonly InventoryProblem[];
}

/** Reads those of the VMs that still exist. */
export async function readVms(
  session: VsphereSession,
  refs: readonly ObjectRef[],
  around: Surroundings,
  judge: Judge,
  signal: AbortSignal,
): Promise<ReadVms> {
  const vms: SourceVm[] = [];
  const problems: InventoryProblem[] = [];
  for (let at = 0; at < refs.length; at += VMS_AT_ONCE) {
    for (const raw of await present(session, refs.slice(at, at + VMS_AT_ONCE), signal)) {
      if (isTemplate(raw)) continue;
      const vm = sourceVm(raw, around, judge);
      if (vm === undefined) problems.push(unreadable(raw));
      else vms.push(vm);
    }
  }
  return { vms, problems };
}

/** A VM that was removed since the list makes the whole request fail; then this asks for each VM alone. */
async function present(
  session: VsphereSession,
  refs: readonly ObjectRef[],
  signal: AbortSignal,
): Promise<readonly VimObject[]> {
  try {
    return await retrieve(session, refs, VM_PATHS, signal);
  } catch (error) {
    if (!isFault(error, 'ManagedObjectNotFound')) throw error;
    if (refs.length <= 1) return [];
  }
  const found: VimObject[] = [];
  for (const ref of refs) found.push(...(await present(session, [ref], signal)));
  return found;
}

const isTemplate = ({ properties }: VimObject): boolean => properties.get('config.template')?.text === 'true';

const connectionOf = ({ properties }: VimObject): string =>
  properties.get('runtime.connectionState')?.text ?? 'in no known state';

const nameOf = ({ ref, properties }: VimObject): string => unescaped(properties.get('name')?.text ?? ref.id);

function unreadable(raw: VimObject): InventoryProblem {
  return { item: nameOf(raw), ...new VsphereVmUnreadable(raw.ref.id, connectionOf(raw)).details() };
}

async function attributeNames(
  session: VsphereSession,
  signal: AbortSignal,
): Promise<ReadonlyMap<number, string>> {
  const { customFieldsManager } = await session.content(signal);
  if (customFieldsManager === undefined) return new Map();
  const fields =
    (await propertiesOf(session, customFieldsManager, ['field'], signal)).get('field')?.parts ?? [];
  return new Map(fields.map((field) => [field.numberAt('key') ?? -1, field.textAt('name') ?? '']));
}

/** How often to recreate a view whose session has ended. */
const VIEWS = 3;

/** Reads properties of all objects of these types, in all folders. */
async function retrieveAll(
  session: VsphereSession,
  types: readonly string[],
  propSet: PropertyFilter['propSet'],
  signal: AbortSignal,
): Promise<readonly VimObject[]> {
  for (let left = VIEWS - 1; ; left--) {
    const view = await createView(session, types, signal);
    try {
      return await retrieveFiltered(session, filterOn(view, propSet), signal);
    } catch (error) {
      // A view ends with its session; the call that notices starts a new session. Objects in a view may also vanish.
      if (left === 0 || !isFault(error, 'ManagedObjectNotFound')) throw error;
    } finally {
      await destroyView(session, view);
    }
  }
}

/** Creates a view of all objects of these types, in all folders. */
export async function createView(
  session: VsphereSession,
  types: readonly string[],
  signal: AbortSignal,
): Promise<ObjectRef> {
  const { rootFolder } = await session.content(signal);
  const args = { container: rootFolder, type: types, recursive: true };
  const answer = await session.call('CreateContainerView', ({ viewManager }) => viewManager, args, {
    signal,
  });
  return answer.refAt('returnval') ?? { type: 'ContainerView', id: '' };
}

/** Ignores failures, because a view ends with its session at the latest. */
async function destroyView(session: VsphereSession, view: ObjectRef): Promise<void> {
  const signal = AbortSignal.timeout(DESTROY_MS);
  await session.call('DestroyView', view, {}, { signal }).catch(() => undefined);
}
const DESTROY_MS = 10_000;

export const filterOn = (view: ObjectRef, propSet: PropertyFilter['propSet']): PropertyFilter => ({
  propSet,
  objectSet: [
    {
      obj: view,
      skip: true,
      selectSet: [typed('TraversalSpec', { name: 'held', type: view.type, path: 'view', skip: false })],
    },
  ],
});
