import { access, constants, readdir } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import type { WorkerCapabilities } from '@ledgerlift/contracts';
import { ToolRunFailed, runTool } from '@ledgerlift/processes';
import type { ConverterSettings } from '../config.js';

type Tool = WorkerCapabilities['tools'][number];

/** Short, because the planner waits only two seconds. */
const PROBE_TIMEOUT = 800;
const FRESH_MS = 30_000;

/** Programs that virt-v2v runs; if one is missing, it fails late. */
const HELPERS = ['qemu-img', 'qemu-nbd', 'nbdkit', 'supermin'] as const;

/**
 * Finds the tools for a conversion on this machine; a missing tool has no path. Caches the answer for half a minute,
 * because every plan validation asks.
 */
export function toolCheck(settings: () => ConverterSettings): () => Promise<Tool[]> {
  let kept: { readonly at: number; readonly tools: Promise<Tool[]> } | undefined;
  return () => {
    if (kept === undefined || performance.now() - kept.at > FRESH_MS)
      kept = { at: performance.now(), tools: findTools(settings()) };
    return kept.tools;
  };
}

async function findTools({ command, guestfish, childEnv }: ConverterSettings): Promise<Tool[]> {
  const helpers = Promise.all([...HELPERS, guestfish].map((name) => found(name, childEnv)));
  const kernel = applianceKernel(childEnv);
  const converter = await found(command, childEnv);
  const { path } = converter;
  // A stand-in for virt-v2v needs no helper except qemu-img, which we need ourselves.
  if (path === null || !(await isVirtV2v(path, childEnv))) return [converter, ...(await helpers).slice(0, 1)];
  return [converter, ...(await helpers), await kernel];
}

async function found(name: string, env: Readonly<Record<string, string>>): Promise<Tool> {
  const path = await onPath(name, env['PATH'] ?? '');
  return { name, path, version: path === null ? null : await versionOf(path, env) };
}

async function onPath(name: string, path: string): Promise<string | null> {
  const candidates = isAbsolute(name)
    ? [name]
    : path.split(delimiter).flatMap((folder) => (isAbsolute(folder) ? [join(folder, name)] : []));
  for (const candidate of candidates) {
    if (await exists(candidate, constants.X_OK)) return candidate;
  }
  return null;
}

/** The first number with a dot in the tool's version output. */
async function versionOf(path: string, env: Readonly<Record<string, string>>): Promise<string | null> {
  return /\d+(\.\d+)+/.exec(await outputOf(path, '--version', env))?.[0] ?? null;
}

/** virt-v2v(1): with only `--machine-readable` it prints its name. */
const isVirtV2v = async (path: string, env: Readonly<Record<string, string>>): Promise<boolean> =>
  (await outputOf(path, '--machine-readable', env)).startsWith('virt-v2v-in-place');

async function outputOf(path: string, flag: string, env: Readonly<Record<string, string>>): Promise<string> {
  try {
    return (await runTool(path, [flag], { env, timeoutMs: PROBE_TIMEOUT })).stdout;
  } catch (error) {
    if (error instanceof ToolRunFailed) return error.reason;
    throw error;
  }
}

/**
 * supermin(1): the appliance's kernel is SUPERMIN_KERNEL, else one in /boot that has modules; without /lib/modules it
 * always fails. A fixed appliance (LIBGUESTFS_PATH) brings its own.
 */
async function applianceKernel(env: Readonly<Record<string, string>>): Promise<Tool> {
  const tool = { name: "a kernel for libguestfs' appliance", version: null };
  for (const folder of (env['LIBGUESTFS_PATH'] ?? '').split(delimiter)) {
    if (folder !== '' && (await exists(join(folder, 'kernel'))))
      return { ...tool, path: join(folder, 'kernel') };
  }
  if (!(await exists('/lib/modules'))) return { ...tool, path: null };
  const set = env['SUPERMIN_KERNEL'];
  if (set !== undefined) return { ...tool, path: (await exists(set)) ? set : null };
  const kernels = (await readdir('/boot').catch(() => [])).filter((name) => name.startsWith('vmlinuz-'));
  for (const kernel of kernels) {
    const version = kernel.slice('vmlinuz-'.length);
    if (await exists(join('/lib/modules', version))) return { ...tool, version, path: join('/boot', kernel) };
  }
  return { ...tool, path: null };
}

const exists = (path: string, mode = constants.R_OK): Promise<boolean> =>
  access(path, mode).then(
    () => true,
    () => false,
  );
