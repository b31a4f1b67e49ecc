import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { LedgerliftError, type ProviderView } from '@ledgerlift/contracts';
import { dumpPlugin } from '@ledgerlift/disk-transfer';
import type { ToolsAtSite } from '../../plan-facts.js';
import type { DiskTools, SourceRequirements, ToolMissing, ToolReport } from '../../requirements.js';
import { vddkMisfit, type VddkSettings, vddkSettingsOf, vddkVariables } from './vddk.js';

/** The names of tools in workers' reports. */
export const VDDK = 'vddk';
const CURL_TOOL = 'nbdkit-curl';
const CURL = 'curl';

/** A machine's tools for reading vSphere disks. */
export interface VsphereTools {
  /** VMware's VDDK, nbdkit's plugin for it, and what else they read. */
  readonly vddk: (VddkSettings & { readonly folder: string; readonly version: string }) | ToolMissing;
  /** nbdkit's plugin for HTTPS. */
  readonly curl: { readonly plugin: string } | ToolMissing;
}

const notKnown: ToolMissing = { problem: 'it is not known here' };

/** Treats unreported tools as missing. An export needs no tools. */
export function vsphereToolsOf({ [VDDK]: vddk, [CURL_TOOL]: curl }: DiskTools): VsphereTools {
  return { vddk: isVddk(vddk) ? vddk : missing(vddk), curl: curl ?? notKnown };
}

type Vddk = Exclude<VsphereTools['vddk'], ToolMissing>;
const isVddk = (tool: DiskTools[string]): tool is Vddk =>
  tool !== undefined && 'plugin' in tool && tool.folder !== undefined && tool.version !== undefined;
const missing = (tool: DiskTools[string]): ToolMissing =>
  tool !== undefined && 'problem' in tool ? tool : notKnown;

/** Finds VDDK and nbdkit plugins by loading them. */
export async function lookForTools(environment: Readonly<Record<string, unknown>>): Promise<DiskTools> {
  const settings = vddkSettingsOf(environment);
  const [vddk, curl] = await Promise.all([
    'problem' in settings ? settings : vddkOf(settings),
    dumpPlugin(CURL, []),
  ]);
  const hasCurl = curl.out.includes('name=curl');
  return {
    [VDDK]: vddk,
    [CURL_TOOL]: hasCurl ? { plugin: CURL } : { problem: `nbdkit has no plugin ${CURL}: ${curl.reason}` },
  };
}

/** Nothing is said of plugins: whoever makes the machine has them. */
export function expectedTools(environment: Readonly<Record<string, unknown>>): ToolsAtSite {
  const settings = vddkSettingsOf(environment);
  if ('problem' in settings) return { [VDDK]: { oldest: undefined, problems: [settings.problem] } };
  const { folder } = settings;
  return {
    [VDDK]:
      folder === undefined
        ? { oldest: undefined, problems: [NOT_SET] }
        : { oldest: { path: folder, version: '' }, problems: [] },
  };
}

const NOT_SET = 'LEDGERLIFT_VDDK_DIR is not set to the folder of an unpacked VDDK';

async function vddkOf({ folder, plugin, reads }: VddkSettings): Promise<Vddk | ToolMissing> {
  if (folder === undefined) return { problem: NOT_SET };
  const libraries = (await readdir(join(folder, 'lib64')).catch(() => [])).filter((name) =>
    LIBRARY.test(name),
  );
  if (libraries.length === 0)
    return { problem: `${join(folder, 'lib64')} has no libvixDiskLib.so; unpack VDDK there` };
  const { out, reason } = await dumpPlugin(plugin, [folder, ...reads], `libdir=${folder}`);
  if (!out.includes('name=vddk')) return { problem: `nbdkit cannot load its plugin ${plugin}: ${reason}` };
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

const GET_VDDK =
  'download the Virtual Disk Development Kit from Broadcom, unpack it, set LEDGERLIFT_VDDK_DIR to the folder that has ' +
  "lib64, and install nbdkit's vddk plugin (LEDGERLIFT_VDDK_PLUGIN: the path of its .so, where nbdkit does not find it)";

/** Reports VDDK and curl. Only vSphere needs them, so a machine without them is fine. */
export const report: SourceRequirements['report'] = async (tools, sources) => {
  const { vddk, curl } = vsphereToolsOf(tools);
  return [
    {
      name: 'VDDK',
      state: 'problem' in vddk ? 'absent' : vddk.version,
      use: 'transfer: disks of vSphere, also while the VM runs',
      get: 'problem' in vddk ? `${vddk.problem}; ${GET_VDDK}` : '',
    },
    ...('problem' in vddk ? [] : await sourcesBeside(vddk.version, sources)),
    {
      name: 'nbdkit curl',
      state: 'problem' in curl ? 'absent' : 'present',
      use: 'transfer: disks of vSphere without VDDK, while the VM is off',
      get: 'problem' in curl ? `apt-get install nbdkit (${curl.problem})` : '',
    },
  ];
};

const USE = 'a source, beside which VDDK must not be too old or too new';

/** Lists the planner's vSphere sources, and whether VDDK's version fits each. */
export async function sourcesBeside(
  vddk: string,
  sources: () => Promise<readonly ProviderView[]>,
): Promise<readonly ToolReport[]> {
  try {
    return rowsOfSources(vddk, await sources());
  } catch (error) {
    if (!(error instanceof LedgerliftError)) throw error;
    const get = `${error.message}; then VDDK ${vddk} is compared with their versions`;
    return [{ name: 'vSphere sources', state: 'not known', use: USE, get }];
  }
}

export function rowsOfSources(vddk: string, providers: readonly ProviderView[]): readonly ToolReport[] {
  return providers.flatMap(({ spec, inventory }) => {
    if (spec.type !== 'vsphere') return [];
    const version = inventory?.version;
    if (version === undefined) {
      const get = `'ledgerlift inventory ${spec.name}' reads it`;
      return [{ name: spec.name, state: 'not known', use: USE, get }];
    }
    const misfit = vddkMisfit(vddk, version);
    return [
      {
        name: spec.name,
        state: `vSphere ${version}`,
        use: USE,
        get:
          misfit === undefined ? '' : `VDDK ${misfit.message}: get VDDK of its version, or of the next one`,
      },
    ];
  });
}

export { vddkMisfit } from './vddk.js';

/** The requirements of a machine that reads vSphere disks. */
export const vsphereRequirements: SourceRequirements = {
  variables: vddkVariables,
  look: lookForTools,
  expected: expectedTools,
  report,
};
