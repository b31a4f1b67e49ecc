import type { VmRecord } from '@ledgerlift/contracts';
import { endMarked } from '@ledgerlift/processes';
import { BootStillRuns } from '../errors.js';

/** In the environment of each QEMU that we start: of which VM it is. Whoever comes later finds it by that. */
const OWNER_VARIABLE = 'LEDGERLIFT_BOOT_OF';
/** Until when what was killed must be gone. */
const PATIENCE_MS = 10_000;

type Owner = Pick<VmRecord, 'installation' | 'migrationId' | 'index'>;

const ownerOf = ({ installation, migrationId, index }: Owner): string =>
  [installation, migrationId, index].map(encodeURIComponent).join('/');

/** What a QEMU is given of our environment: nothing of ours, such as where credentials lie, but whose it is. */
export function bootEnvironment(record: Owner, env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const passed = Object.entries(env).filter(([name]) => !name.startsWith('LEDGERLIFT_'));
  return { ...Object.fromEntries(passed), [OWNER_VARIABLE]: ownerOf(record) };
}

/**
 * Ends every QEMU on this machine that was started for the VM by whichever worker, and sees it gone.
 * @returns how many there were
 * @throws BootStillRuns
 */
export async function endBoots(record: Owner): Promise<number> {
  const mark = { variable: OWNER_VARIABLE, value: ownerOf(record) };
  const { found, left } = await endMarked(mark, { graceMs: 0, patienceMs: PATIENCE_MS });
  if (left.length > 0) throw new BootStillRuns(left.map(({ pid }) => pid));
  return found.length;
}
