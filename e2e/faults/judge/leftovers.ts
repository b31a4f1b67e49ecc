import { existsSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { RunScript, VmScript } from '../script/script.js';
import { type Finding, found } from '../run/finding.js';
import type { Sources } from '../run/sources.js';
import { processesOn } from '../world/processes.js';
import type { World } from '../world/world.js';
import type { VmRecords } from './records.js';

/** How long a process may need to end after its VM is at an end. */
const ENDING_MS = 5000;
/** In a folder of ours, from its making to its end. */
const MARKER = '.ledgerlift.json';

/** What is there of a VM must be what the ledger says. */
export async function judgeLeftovers(
  world: World,
  script: RunScript,
  sources: Sources,
  { vm, records }: { readonly vm: VmScript; readonly records: VmRecords },
): Promise<readonly Finding[]> {
  return [
    ...judgeFiles(world, vm, records),
    ...(await judgeProcesses(world, vm)),
    ...(script.source === 'ova' ? [] : await judgeSnapshots(world, sources.idOf(vm), records)),
  ];
}

function judgeFiles(world: World, vm: VmScript, records: VmRecords): readonly Finding[] {
  const folder = world.folder.file('out', 'default', vm.name);
  const names = new Map([...records.ledger.values()].map((resource) => [resource.name, resource]));
  const present = existsSync(folder) ? below(folder).map((name) => `default/${vm.name}${name}`) : [];
  const ours = (path: string): boolean =>
    names.has(path) ||
    // What belongs to a resource lies beside it, and goes with it.
    names.has(path.replace(/\.(previous|unfinished)$/, '')) ||
    (path === `default/${vm.name}/${MARKER}` && names.has(`default/${vm.name}`)) ||
    // A folder of what is in the ledger.
    [...names.keys()].some((name) => name.startsWith(`${path}/`));
  const succeeded = records.end?.type === 'VmMigrationSucceeded';
  return [
    ...present
      .filter((path) => !ours(path))
      .map((path) => found('leaked', `${path} is there and not in the ledger`)),
    ...[...names.values()]
      .filter(({ lifetime, kind }) => succeeded && lifetime === 'result' && kind !== 'snapshot')
      .filter(({ name }) => !existsSync(world.folder.file('out', name)))
      .map(({ kind, name }) => found('lost', `${kind} ${name} of a VM that succeeded is not there`)),
  ];
}

/** The folder itself, and all in it, as paths that begin with what comes after it. */
const below = (folder: string): readonly string[] => [
  '',
  ...readdirSync(folder, { recursive: true, withFileTypes: true }).map((entry) =>
    `${entry.parentPath}/${entry.name}`.slice(folder.length),
  ),
];

async function judgeProcesses(world: World, vm: VmScript): Promise<readonly Finding[]> {
  const places = [world.folder.file('out', 'default', vm.name), world.folder.file('lab', 'vms', vm.name)];
  for (const deadline = Date.now() + ENDING_MS; ; await delay(100)) {
    const running = places
      .flatMap((place) => processesOn(place))
      // The lab's own.
      .filter(
        ({ command }) => !/^\S*qemu-storage-daemon/.test(command) && !command.includes('/lab/process/'),
      );
    if (running.length === 0) return [];
    if (Date.now() > deadline)
      return running.map(({ command }) =>
        found('leaked', `${vm.name} is at an end, and this still runs: ${command}`),
      );
  }
}

async function judgeSnapshots(world: World, id: string, records: VmRecords): Promise<readonly Finding[]> {
  const path = world.folder.file('lab', 'vms', id, 'vm.json');
  const { snapshots } = JSON.parse(await readFile(path, 'utf8')) as {
    readonly snapshots: readonly { readonly name: string }[];
  };
  const ledger = new Set([...records.ledger.values()].map(({ name }) => name));
  return snapshots
    .filter(({ name }) => !ledger.has(name))
    .map(({ name }) => found('leaked', `snapshot ${name} of ${id} is there and not in the ledger`));
}
