import {
  type InventoryProblem,
  LedgerliftError,
  type ProviderSpec,
  type VsphereSettings,
} from '@ledgerlift/contracts';
import { readSecret } from '@ledgerlift/secrets';
import { allOf } from './listing.js';
import { VsphereHostSecretMissing, VsphereHostUnknown, privilegeProblems } from './privileges/index.js';
import { type VsphereSession, sessionOf } from './session.js';

const CHECK_MS = 60_000;

/**
 * What hinders to use a vSphere server, and, of category Warn, what would hinder some migrations: privileges that the
 * user lacks, and hosts that disks cannot be read from directly.
 */
export async function checkVsphere(spec: ProviderSpec): Promise<readonly InventoryProblem[]> {
  const signal = AbortSignal.timeout(CHECK_MS);
  const session = sessionOf(spec);
  // Not those of the session, which may be older: it is shared by all who log in in the same way.
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

/** By name and by id: their names, or the id where several have that name and only one is meant. */
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
