import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { promisify } from 'node:util';
import { type Finding, found } from '../run/finding.js';
import type { Sources } from '../run/sources.js';
import type { RunScript, VmScript } from '../script/script.js';
import { applyConversion, conversions } from '../world/storage.js';
import type { World } from '../world/world.js';

const run = promisify(execFile);

/** The target's disks must read as the source's do, but for what exactly one conversion did to them. */
export async function judgeDisks(
  world: World,
  script: RunScript,
  sources: Sources,
  vm: VmScript,
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const number of vm.disks.keys()) {
    const target = world.folder.file('out', 'default', vm.name, `${vm.name}-disk-${number}.raw`);
    const expected = world.folder.file('work', `${vm.name}-${number}.expected`);
    const { path, format } = sources.imageOf(vm, number);
    await run('qemu-img', ['convert', '-U', '-f', format, '-O', 'raw', path, expected]);
    if (script.converts) await applyConversion(expected, number);
    const difference = await compare(expected, target);
    if (difference === undefined) await rm(expected);
    else findings.push(found('lost', `disk ${number} of ${vm.name} is not the source's: ${difference}`));
  }
  return findings;
}

/** @returns what differs */
async function compare(expected: string, target: string): Promise<string | undefined> {
  try {
    await run('qemu-img', ['compare', '-U', '-f', 'raw', '-F', 'raw', expected, target]);
    return undefined;
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { readonly stdout?: string; readonly stderr?: string };
    return `${stdout}${stderr}`.trim() || String(error);
  }
}

/** Two conversions of the same disks at once, by the journal of the stand-in. */
export async function judgeConversions(journal: string, vm: VmScript): Promise<readonly Finding[]> {
  const lines = await conversions(journal);
  return lines
    .filter(({ what, disk }) => what === 'overlap' && disk.includes(`/${vm.name}/`))
    .map(({ time }) =>
      found('doubled', `${vm.name} was converted at ${time}, while another conversion of it ran`),
    );
}
