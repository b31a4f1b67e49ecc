import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ToolRunFailed, runTool } from '@ledgerlift/processes';
import type { VddkSettings } from './vddk-settings.js';

type Missing = { readonly problem: string };
/** What nbdkit can read with on this machine. */
export interface NbdkitTools {
  readonly vddk: (VddkSettings & { readonly folder: string; readonly version: string }) | Missing;
  readonly curl: { readonly plugin: string } | Missing;
}

/** Long: what is slow is there all the same. */
const PROBE_MS = 20_000;
const CURL = 'curl';

/** Looks for plugins of nbdkit and for VDDK, by having them loaded. */
export async function lookForNbdkit(settings: VddkSettings): Promise<NbdkitTools> {
  const [vddk, curl] = await Promise.all([vddkOf(settings), dumpOf(CURL, [])]);
  const hasCurl = curl.out.includes('name=curl');
  return {
    vddk,
    curl: hasCurl ? { plugin: CURL } : { problem: `nbdkit has no plugin ${CURL}: ${curl.said}` },
  };
}

async function vddkOf({ folder, plugin, reads }: VddkSettings): Promise<NbdkitTools['vddk']> {
  if (folder === undefined)
    return { problem: 'LEDGERLIFT_VDDK_DIR is not set to the folder of an unpacked VDDK' };
  const libraries = (await readdir(join(folder, 'lib64')).catch(() => [])).filter((name) =>
    LIBRARY.test(name),
  );
  if (libraries.length === 0)
    return { problem: `${join(folder, 'lib64')} has no libvixDiskLib.so; unpack VDDK there` };
  const { out, said } = await dumpOf(plugin, [folder, ...reads], `libdir=${folder}`);
  if (!out.includes('name=vddk')) return { problem: `nbdkit cannot load its plugin ${plugin}: ${said}` };
  const loaded = /^vddk_library_version=(\S+)/m.exec(out)?.[1];
  // It says no more when it is asked for this alone.
  if (loaded === undefined)
    return {
      problem: `VDDK in ${folder} cannot be loaded: 'nbdkit ${plugin} libdir=${folder} file=none' says why`,
    };
  const versions = libraries.map((name) => LIBRARY.exec(name)?.[1] ?? '');
  // `libvixDiskLib.so.8` is a link to `libvixDiskLib.so.8.0.3`, which says more.
  const version = versions.reduce((most, each) => (each.length > most.length ? each : most), loaded);
  return { folder, plugin, version, reads };
}

const LIBRARY = /^libvixDiskLib\.so\.(\d+(?:\.\d+)*)$/;

/** What nbdkit says of a plugin, and what went wrong with it. */
async function dumpOf(
  plugin: string,
  reads: readonly string[],
  ...parameters: readonly string[]
): Promise<{ readonly out: string; readonly said: string }> {
  const read = plugin.startsWith('/') ? [plugin, ...reads] : reads;
  const cell = { read, write: [], network: 'none' } as const;
  try {
    const { stdout, stderr } = await runTool('nbdkit', [plugin, '--dump-plugin', ...parameters], {
      cell,
      timeoutMs: PROBE_MS,
    });
    return { out: stdout, said: reasonIn(stderr) };
  } catch (error) {
    return error instanceof ToolRunFailed
      ? { out: error.output, said: reasonIn(error.said) }
      : { out: '', said: reasonIn(error instanceof Error ? error.message : String(error)) };
  }
}

/** What went wrong, without the advice to read a manual. */
function reasonIn(text: string): string {
  const lines = text.trimEnd().split('\n');
  return (lines.find((line) => line.includes('error:')) ?? lines.at(-1) ?? '').slice(0, 300);
}
