import { type InventoryProblem, LedgerliftError } from '@ledgerlift/contracts';
import { allOf, type VsphereSession } from '../session.js';
import type { ObjectRef } from '../soap/xml.js';
import { propertiesOf, type VimObject } from '../soap/properties.js';
import { VspherePrivilegeMissing, VspherePrivilegesUnknown } from './errors.js';
import {
  type Privilege,
  type PrivilegeScope,
  type PrivilegeUse,
  privilegeUses,
  requiredPrivileges,
  useWords,
} from './required.js';

/** An object whose privileges are checked. */
export interface Place {
  readonly ref: ObjectRef;
  readonly name: string;
  /** Number of other objects that it represents. */
  readonly others: number;
}

/** @throws errors of a call */
export async function placesOf(
  session: VsphereSession,
  scope: PrivilegeScope,
  signal: AbortSignal,
): Promise<readonly Place[]> {
  if (scope === 'root') {
    const { rootFolder } = await session.content(signal);
    return [{ ref: rootFolder, name: 'the root folder', others: 0 }];
  }
  if (scope === 'datastore') {
    const found = await allOf(session, 'Datastore', ['name'], signal);
    return found.map((object) => ({ ref: object.ref, name: nameOf(object), others: 0 }));
  }
  const vms = await allOf(
    session,
    'VirtualMachine',
    ['name', 'parent', 'parentVApp', 'resourcePool'],
    signal,
  );
  return [...Map.groupBy(vms, inheritance).values()].flatMap(([first, ...others]) =>
    first === undefined ? [] : [{ ref: first.ref, name: nameOf(first), others: others.length }],
  );
}

/** Identifies the parents from which a VM inherits its permissions. */
const inheritance = ({ properties }: VimObject): string =>
  ['parent', 'parentVApp', 'resourcePool'].map((path) => properties.get(path)?.text ?? '').join('/');
const nameOf = ({ ref, properties }: VimObject): string => properties.get('name')?.text ?? ref.id;

export interface MissingPrivilege {
  readonly privilege: Privilege;
  /** The objects on which it is missing, at least one. */
  readonly on: readonly [Place, ...Place[]];
}

export interface Privileges {
  /** The server's name for the user. */
  readonly user: string;
  readonly missing: readonly MissingPrivilege[];
}

const AT_ONCE = 50;

/**
 * Asks the server which privileges for these uses the session's user lacks, and on which objects. VMs of the same folder and
 * resource pool inherit the same permissions, so this asks about one of them.
 *
 * @throws VspherePrivilegesUnknown; errors of a call
 */
export async function missingPrivileges(
  session: VsphereSession,
  uses: readonly PrivilegeUse[],
  signal: AbortSignal,
): Promise<Privileges> {
  const content = await session.content(signal);
  const { authorizationManager, sessionManager } = content;
  if (authorizationManager === undefined)
    throw new VspherePrivilegesUnknown(session.connection.server, 'it has no authorization manager');
  const current = (await propertiesOf(session, sessionManager, ['currentSession'], signal)).get(
    'currentSession',
  );
  const asked = {
    session,
    manager: authorizationManager,
    user: current?.textAt('userName') ?? '',
    key: current?.textAt('key') ?? '',
    signal,
  };
  const kind = content.apiType === 'VirtualCenter' ? 'vcenter' : 'esxi';
  const known = await namesOfPrivileges(session, authorizationManager, signal);
  const required = requiredPrivileges(uses, kind).filter(({ id }) => known.size === 0 || known.has(id));
  const missing: MissingPrivilege[] = [];
  for (const scope of new Set(required.map((each) => each.scope))) {
    const privileges = required.filter((each) => each.scope === scope);
    const places = await placesOf(session, scope, signal);
    const lacking = await lackingOn(asked, places, [...new Set(privileges.map(({ id }) => id))]);
    for (const privilege of privileges) {
      const [first, ...others] = places.filter(({ ref }) => lacking.get(ref.id)?.has(privilege.id) === true);
      if (first !== undefined) missing.push({ privilege, on: [first, ...others] });
    }
  }
  return { user: asked.user, missing };
}

/** Lists the privileges that the server knows. An older server does not need others, and refuses questions about them. */
async function namesOfPrivileges(
  session: VsphereSession,
  manager: ObjectRef,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const list = (await propertiesOf(session, manager, ['privilegeList'], signal)).get('privilegeList');
  return new Set((list?.parts ?? []).flatMap((each) => each.textAt('privId') ?? []));
}

interface Asked {
  readonly session: VsphereSession;
  readonly manager: ObjectRef;
  readonly user: string;
  readonly key: string;
  readonly signal: AbortSignal;
}

/** Managed object id → the privileges that are not granted there. */
async function lackingOn(
  asked: Asked,
  places: readonly Place[],
  ids: readonly string[],
): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const lacking = new Map<string, ReadonlySet<string>>();
  for (let at = 0; at < places.length; at += AT_ONCE) {
    const refs = places.slice(at, at + AT_ONCE).map(({ ref }) => ref);
    const granted = (await fetched(asked, refs)) ?? (await compared(asked, refs, ids));
    for (const { id } of refs) {
      const has = granted.get(id);
      // An object without an answer is not known to lack anything.
      if (has !== undefined) lacking.set(id, new Set(ids.filter((privilege) => !has.has(privilege))));
    }
  }
  return lacking;
}

type Granted = ReadonlyMap<string, ReadonlySet<string>>;

/** Reads all privileges of a user, including those of groups (since vSphere 5.5). @returns undefined if the server does not support it */
async function fetched(
  { session, manager, user, signal }: Asked,
  refs: readonly ObjectRef[],
): Promise<Granted | undefined> {
  try {
    const args = { entities: refs, userName: user };
    const answer = await session.call('FetchUserPrivilegeOnEntities', manager, args, { signal });
    return new Map(
      answer
        .list('returnval')
        .map((each) => [
          each.textAt('entity') ?? '',
          new Set(each.list('privileges').map(({ text }) => text)),
        ]),
    );
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return undefined;
  }
}

/** Checks our own session, privilege by privilege: the only way on an ESXi host. */
async function compared(
  { session, manager, key, signal }: Asked,
  refs: readonly ObjectRef[],
  ids: readonly string[],
): Promise<Granted> {
  try {
    const args = { entity: refs, sessionId: key, privId: ids };
    const answer = await session.call('HasPrivilegeOnEntities', manager, args, { signal });
    return new Map(
      answer.list('returnval').map((each) => {
        const granted = each.list('privAvailability').filter((one) => one.flagAt('isGranted') === true);
        return [each.textAt('entity') ?? '', new Set(granted.map((one) => one.textAt('privId') ?? ''))];
      }),
    );
  } catch (error) {
    if (!isRefusal(error)) throw error;
    throw new VspherePrivilegesUnknown(session.connection.server, error.message);
  }
}

/** Whether the server understood the request but refused it. */
const isRefusal = (error: unknown): error is LedgerliftError =>
  error instanceof LedgerliftError && (error.code === 'LL-VSP-002' || error.code === 'LL-VSP-008');

const FRESH_MS = 60_000;
const kept = new WeakMap<
  VsphereSession,
  { readonly until: number; readonly problems: Promise<readonly InventoryProblem[]> }
>();

/**
 * Reports each missing privilege as a problem, with the privilege as its item. None blocks by itself: the plan decides which matter.
 * Cached for a minute, because every validation asks.
 *
 * @throws errors that prevent asking the server
 */
export function privilegeProblems(
  session: VsphereSession,
  signal: AbortSignal,
): Promise<readonly InventoryProblem[]> {
  const known = kept.get(session);
  if (known !== undefined && performance.now() < known.until) return known.problems;
  const problems = askedNow(session, signal);
  kept.set(session, { until: performance.now() + FRESH_MS, problems });
  problems.catch(() => kept.delete(session));
  return problems;
}

async function askedNow(session: VsphereSession, signal: AbortSignal): Promise<readonly InventoryProblem[]> {
  try {
    const { user, missing } = await missingPrivileges(session, privilegeUses, signal);
    return [...Map.groupBy(missing, ({ privilege }) => privilege.id)].map(([id, same]) => ({
      item: id,
      category: 'Warn',
      ...new VspherePrivilegeMissing(user, id, placesInWords(same), reasonsOf(same)).details(),
    }));
  } catch (error) {
    if (!(error instanceof LedgerliftError) || error.code !== 'LL-VSP-021') throw error;
    return [{ item: 'privileges', category: 'Warn', ...error.details() }];
  }
}

const reasonsOf = (same: readonly MissingPrivilege[]): string =>
  same.map(({ privilege }) => `for ${useWords[privilege.use]} (to ${privilege.to})`).join(', and ');

function placesInWords([missing]: readonly MissingPrivilege[]): string {
  if (missing === undefined) return 'the server';
  const [{ ref, name, others }, ...rest] = missing.on;
  const more = others + rest.reduce((sum, each) => sum + 1 + each.others, 0);
  const first = ref.type === 'Folder' ? name : `${ref.type} '${name}' (${ref.id})`;
  return more === 0 ? first : `${first} and ${more} more`;
}
