import { LedgerliftError } from '@ledgerlift/contracts';
import type { VsphereSession } from '../session.js';
import type { ObjectRef } from '../soap/node.js';
import { propertiesOf } from '../soap/properties.js';
import { VspherePrivilegesUnknown } from './errors.js';
import { type Place, placesOf } from './places.js';
import { type Privilege, type PrivilegeUse, requiredPrivileges } from './required.js';

export interface MissingPrivilege {
  readonly privilege: Privilege;
  /** Where it is missing: one at least. */
  readonly on: readonly [Place, ...Place[]];
}

export interface Privileges {
  /** As the server calls the user. */
  readonly user: string;
  readonly missing: readonly MissingPrivilege[];
}

const AT_ONCE = 50;

/**
 * Asks the server which of the privileges that these uses need the session's user lacks, and where. VMs of one folder
 * and resource pool share what they inherit: one of them is asked about.
 *
 * @throws VspherePrivilegesUnknown; what a call throws
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

/** An older server does not ask for a privilege that it does not know, and refuses to be asked about it. */
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

/** By managed object id: which of the privileges are not granted there. */
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
      // What the server does not speak of is not known to be missing.
      if (has !== undefined) lacking.set(id, new Set(ids.filter((privilege) => !has.has(privilege))));
    }
  }
  return lacking;
}

type Granted = ReadonlyMap<string, ReadonlySet<string>>;

/** All privileges of a user, groups included (since vSphere 5.5). @returns undefined where the server does not answer that */
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

/** Of our own session, privilege by privilege. An ESXi host knows no other way. */
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

/** The server understood, and does not do it. */
const isRefusal = (error: unknown): error is LedgerliftError =>
  error instanceof LedgerliftError && (error.code === 'LL-VSP-002' || error.code === 'LL-VSP-008');
