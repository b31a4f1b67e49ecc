import { XmlReader } from '@ledgerlift/xml';
import type { TargetVm } from './target-vm.js';

interface Node {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: Node[];
  text: string;
}

/** What matters to a guest, of the machine that it is started on. */
export interface StartedMachine {
  /** CPUs that are there from the start, cores of a socket, threads of a core. */
  readonly cpu: readonly number[];
  readonly memoryBytes: number;
  readonly firmware: string;
  readonly tpm: boolean;
  readonly uuid: string;
  readonly serial: string;
  readonly isForWindows: boolean;
  readonly rng: boolean;
  readonly balloon: boolean;
  /** In the order in which the firmware tries them: bus, serial, bytes of a sector. */
  readonly disks: readonly (readonly [bus: string, serial: string, sectorBytes: number])[];
  readonly nics: readonly (readonly [model: string, mac: string | undefined])[];
}

/**
 * What the model promises.
 * @param open stands for what it leaves to KubeVirt
 */
export const promised = (vm: TargetVm, open: string): StartedMachine => ({
  cpu: [vm.cpu.sockets * vm.cpu.cores * vm.cpu.threads, vm.cpu.cores, vm.cpu.threads],
  memoryBytes: vm.memoryBytes,
  firmware: vm.firmware === 'bios' ? 'bios' : vm.secureBoot ? 'secure' : 'efi',
  tpm: vm.tpm,
  uuid: vm.identity.uuid ?? open,
  serial: vm.identity.serial ?? open,
  isForWindows: vm.family === 'windows',
  rng: vm.rng,
  balloon: vm.balloon,
  disks: vm.disks
    .toSorted((a, b) => a.bootOrder - b.bootOrder)
    .map(({ bus, serial, sectorBytes }) => [bus, serial, sectorBytes]),
  // A virtual function is handed through, and has no model.
  nics: vm.nics.flatMap(({ kind, model, mac }) => (kind === 'sriov' ? [] : [[model, mac]])),
});

/** What a libvirt domain of KubeVirt's starts. */
export function startedBy(xml: string): StartedMachine {
  const root = read(xml);
  const topology = one(root, 'cpu', 'topology')?.attributes ?? {};
  const loader = one(root, 'os', 'loader');
  const devices = (name: string): readonly Node[] => all(root, 'devices', name);
  const entry = (name: string): string =>
    all(root, 'sysinfo', 'system', 'entry').find(({ attributes }) => attributes['name'] === name)?.text ?? '';
  // KubeVirt leaves room for sockets to be plugged in later.
  const present = all(root, 'vcpus', 'vcpu').filter(({ attributes }) => attributes['enabled'] === 'yes');
  const count = present.length > 0 ? present.length : Number(one(root, 'vcpu')?.text);
  const bootOrder = (disk: Node): number => Number(one(disk, 'boot')?.attributes['order']);
  return {
    cpu: [count, Number(topology['cores']), Number(topology['threads'])],
    memoryBytes: Number(one(root, 'memory')?.text),
    firmware: loader === undefined ? 'bios' : loader.attributes['secure'] === 'yes' ? 'secure' : 'efi',
    tpm: devices('tpm').length > 0,
    uuid: entry('uuid'),
    serial: entry('serial'),
    isForWindows: one(root, 'features', 'hyperv') !== undefined,
    rng: devices('rng').length > 0,
    balloon: devices('memballoon').some(({ attributes }) => attributes['model'] !== 'none'),
    disks: devices('disk')
      .toSorted((a, b) => bootOrder(a) - bootOrder(b))
      .map((disk) => [
        one(disk, 'target')?.attributes['bus'] ?? '',
        one(disk, 'serial')?.text ?? '',
        Number(one(disk, 'blockio')?.attributes['logical_block_size'] ?? 512),
      ]),
    nics: devices('interface').map((nic) => [
      one(nic, 'model')?.attributes['type']?.replace('-non-transitional', '') ?? '',
      one(nic, 'mac')?.attributes['address'],
    ]),
  };
}

function read(xml: string): Node {
  const reader = new XmlReader<Node>(
    {
      element: (name, attributes, parent) => {
        const node: Node = { name, attributes, children: [], text: '' };
        parent?.children.push(node);
        return node;
      },
      text: (node, text) => {
        node.text += text;
      },
    },
    { depth: 20 },
  );
  reader.take(xml);
  return reader.end();
}

const all = (node: Node, ...path: readonly string[]): readonly Node[] =>
  path.reduce<readonly Node[]>(
    (nodes, name) => nodes.flatMap(({ children }) => children.filter((child) => child.name === name)),
    [node],
  );
const one = (node: Node, ...path: readonly string[]): Node | undefined => all(node, ...path)[0];
