import { LedgerliftError, type ProviderView } from '@ledgerlift/contracts';
import type { ToolReport } from '../../requirements.js';
import { vddkMisfit } from './vddk-version.js';

const USE = 'a source, beside which VDDK must not be too old or too new';

/** The sources of type vSphere that the planner knows, each with whether VDDK goes with its version. */
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
