import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { dumpPlugin } from '@ledgerlift/disk-transfer';
import type { DiskTools, ToolMissing } from '../../requirements.js';
import { type VddkSettings, vddkSettingsOf } from './vddk-settings.js';

/** The names under which workers tell what they have. */
export const VDDK = 'vddk';
const CURL_TOOL = 'nbdkit-curl';
const CURL = 'curl';

/** What a machine that reads disks of vSphere has to read them with. */
export interface VsphereTools {
  /** VMware's VDDK, nbdkit's plugin for it, and what else they read. */
  readonly vddk: (VddkSettings & { readonly folder: string; readonly version: string }) | ToolMissing;
  /** nbdkit's plugin for HTTPS. */
  readonly curl: { readonly plugin: string } | ToolMissing;
}

const notKnown: ToolMissing = { problem: 'it is not known here' };

/** Of who does not say what there is, nothing is known: an export needs nothing. */
export function vsphereToolsOf({ [VDDK]: vddk, [CURL_TOOL]: curl }: DiskTools): VsphereTools {
  return { vddk: isVddk(vddk) ? vddk : missing(vddk), curl: curl ?? notKnown };
}

type Vddk = Exclude<VsphereTools['vddk'], ToolMissing>;
const isVddk = (tool: DiskTools[string]): tool is Vddk =>
  tool !== undefined && 'plugin' in tool && tool.folder !== undefined && tool.version !== undefined;
const missing = (tool: DiskTools[string]): ToolMissing =>
  tool !== undefined && 'problem' in tool ? tool : notKnown;

/** Looks for VDDK and for plugins of nbdkit, by having them loaded. */
export async function lookForTools(environment: Readonly<Record<string, unknown>>): Promise<DiskTools> {
  const settings = vddkSettingsOf(environment);
  const [vddk, curl] = await Promise.all([
    'problem' in settings ? settings : vddkOf(settings),
    dumpPlugin(CURL, []),
  ]);
  const hasCurl = curl.out.includes('name=curl');
  return {
    [VDDK]: vddk,
    [CURL_TOOL]: hasCurl ? { plugin: CURL } : { problem: `nbdkit has no plugin ${CURL}: ${curl.said}` },
  };
}

async function vddkOf({ folder, plugin, reads }: VddkSettings): Promise<Vddk | ToolMissing> {
  if (folder === undefined)
    return { problem: 'LEDGERLIFT_VDDK_DIR is not set to the folder of an unpacked VDDK' };
  const libraries = (await readdir(join(folder, 'lib64')).catch(() => [])).filter((name) =>
    LIBRARY.test(name),
  );
  if (libraries.length === 0)
    return { problem: `${join(folder, 'lib64')} has no libvixDiskLib.so; unpack VDDK there` };
  const { out, said } = await dumpPlugin(plugin, [folder, ...reads], `libdir=${folder}`);
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
