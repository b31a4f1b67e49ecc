import { type InventoryProblem, LedgerliftError } from '@ledgerlift/contracts';
import type { VsphereSession } from '../session.js';
import { VspherePrivilegeMissing } from './errors.js';
import { type MissingPrivilege, missingPrivileges } from './missing.js';
import { privilegeUses, useWords } from './required.js';

const FRESH_MS = 60_000;
const kept = new WeakMap<
  VsphereSession,
  { readonly until: number; readonly problems: Promise<readonly InventoryProblem[]> }
>();

/**
 * What the user lacks, one problem for each privilege, by whose name the item goes. None of them hinders: which matter
 * depends on the plan. Kept for a minute, for every validation asks.
 *
 * @throws what keeps the server from being asked
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
      ...new VspherePrivilegeMissing(user, id, placesOf(same), reasonsOf(same)).details(),
    }));
  } catch (error) {
    if (!(error instanceof LedgerliftError) || error.code !== 'LL-VSP-021') throw error;
    return [{ item: 'privileges', category: 'Warn', ...error.details() }];
  }
}

const reasonsOf = (same: readonly MissingPrivilege[]): string =>
  same.map(({ privilege }) => `for ${useWords[privilege.use]} (to ${privilege.to})`).join(', and ');

function placesOf([missing]: readonly MissingPrivilege[]): string {
  if (missing === undefined) return 'the server';
  const [{ ref, name, others }, ...rest] = missing.on;
  const more = others + rest.reduce((sum, each) => sum + 1 + each.others, 0);
  const first = ref.type === 'Folder' ? name : `${ref.type} '${name}' (${ref.id})`;
  return more === 0 ? first : `${first} and ${more} more`;
}
