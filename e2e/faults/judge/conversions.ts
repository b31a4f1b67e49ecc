import { type Finding, found } from '../run/finding.js';
import type { VmScript } from '../script/script.js';
import { conversions } from '../world/converted.js';

/** Two conversions of the same disks at once, by the journal of the stand-in. */
export async function judgeConversions(journal: string, vm: VmScript): Promise<readonly Finding[]> {
  const lines = await conversions(journal);
  return lines
    .filter(({ what, disk }) => what === 'overlap' && disk.includes(`/${vm.name}/`))
    .map(({ time }) =>
      found('doubled', `${vm.name} was converted at ${time}, while another conversion of it ran`),
    );
}
