import type { SourceRequirements } from '../../requirements.js';
import { vsphereToolsOf } from './look.js';
import { sourcesBeside } from './sources.js';

const GET_VDDK =
  'download the Virtual Disk Development Kit from Broadcom, unpack it, set LEDGERLIFT_VDDK_DIR to the folder that has ' +
  "lib64, and install nbdkit's vddk plugin (LEDGERLIFT_VDDK_PLUGIN: the path of its .so, where nbdkit does not find it)";

/** Says what is there. Both are for vSphere only, so that a machine without them is in order. */
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
