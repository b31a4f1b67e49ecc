import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { VmRecord } from '@ledgerlift/contracts';
import { BootStillRuns } from '../errors.js';

/** In the environment of each QEMU that we start: of which VM it is. Whoever comes later finds it by that. */
const OWNER_VARIABLE = 'LEDGERLIFT_BOOT_OF';
/** Until when what was killed must be gone. */
const PATIENCE_MS = 10_000;
const POLL_MS = 20;

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
  const deadline = performance.now() + PATIENCE_MS;
  let found = 0;
  for (;;) {
    const left = await bootsOf(record);
    if (left.length === 0) return found;
    if (performance.now() > deadline) throw new BootStillRuns(left);
    found = Math.max(found, left.length);
    for (const pid of left) kill(pid);
    await delay(POLL_MS);
  }
}

/** A zombie has no environment any more, and holds nothing: it is not among them. */
async function bootsOf(record: Owner): Promise<number[]> {
  const wanted = `${OWNER_VARIABLE}=${ownerOf(record)}`;
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const environments = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')),
  );
  return pids.filter((_, index) => environments[index]?.split('\0').includes(wanted)).map(Number);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone meanwhile.
  }
}
