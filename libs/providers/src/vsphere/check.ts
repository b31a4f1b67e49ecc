import {
  type InventoryProblem,
  LedgerliftError,
  type ProviderSpec,
  type VsphereSettings,
} from '@ledgerlift/contracts';
import { readSecret } from '@ledgerlift/secrets';
import { allOf, sessionOf, type VsphereSession } from './session.js';
import { VsphereHostSecretMissing, VsphereHostUnknown, privilegeProblems } from './privileges/index.js';

const CHECK_MS = 60_000;

/**
 * Finds problems that prevent using a vSphere server and, as category Warn, those that affect some migrations: missing
 * privileges, and hosts from which disks cannot be read directly.
 */
export async function checkVsphere(spec: ProviderSpec): Promise<readonly InventoryProblem[]> {
  const signal = AbortSignal.timeout(CHECK_MS);
  const session = sessionOf(spec);
  // Read the secret again: the shared session may have logged in with an older one.
  const hosts = spec.type === 'vsphere' ? spec.settings.hosts : [];
  try {
    await session.content(signal);
    return [...(await privilegeProblems(session, signal)), ...(await hostProblems(session, hosts, signal))];
  } catch (error) {
    if (!(error instanceof LedgerliftError)) throw error;
    return [{ item: spec.name, ...error.details(), field: error.field ?? 'settings.url' }];
  }
}

async function hostProblems(
  session: VsphereSession,
  hosts: VsphereSettings['hosts'],
  signal: AbortSignal,
): Promise<readonly InventoryProblem[]> {
  if (hosts.length === 0) return [];
  const known = await namesOfHosts(session, signal);
  const problems = await Promise.all(
    hosts.map(async ({ host, secret }) => {
      if (!known.has(host)) return [new VsphereHostUnknown(host)];
      try {
        await Promise.all([readSecret(secret.name, 'user'), readSecret(secret.name, 'password')]);
        return [];
      } catch (error) {
        if (!(error instanceof LedgerliftError)) throw error;
        return [new VsphereHostSecretMissing(known.get(host) ?? host, secret.name, error.message)];
      }
    }),
  );
  return problems.flat().map((error) => ({ item: error.host, category: 'Warn', ...error.details() }));
}

/** Maps names and ids of hosts to how problems refer to them: the name, or the id if several hosts have that name. */
async function namesOfHosts(
  session: VsphereSession,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const found = await allOf(session, 'HostSystem', ['name'], signal);
  const named = found.map(({ ref, properties }) => [ref.id, properties.get('name')?.text ?? ref.id] as const);
  const byName = Map.groupBy(named, ([, name]) => name);
  return new Map(
    named.flatMap(([id, name]) => [
      [name, name],
      [id, (byName.get(name)?.length ?? 0) > 1 ? id : name],
    ]),
  );
}
